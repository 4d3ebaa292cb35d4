// Strangers' text for people: in a log, on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace handfast {

/// What is not ASCII, or a terminal obeys, comes out as "\x1b".
std::string printable(std::string_view text);

}  // namespace handfast
