// Where the time of a fetch went, and how many round trips each step cost.
#pragma once

#include <string>

#include "io/http_fetch.hpp"

namespace handfast::cli {

/// "1.50 s", "12.3 ms", "45 us".
std::string time_text(Duration time);

/// A table with a line for each step. Round trips are those that the protocols ask for; of the
/// transfer, as many as the measured round-trip time goes into it.
std::string timing_table(const io::HttpResult& result);

}  // namespace handfast::cli
