// Numbers as people type them on a command line.
#pragma once

#include <optional>
#include <string_view>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::cli {

/// "20ms", "1.5s", "300us", "2m", "1h"; a bare 0. At most 10000 hours, not negative.
std::optional<Duration> parse_duration(std::string_view text);
/// "1000", "64k", "1.5M", "1G", "64KiB": k, M, G are powers of 1000, KiB, MiB, GiB of 1024. Bytes.
std::optional<u64> parse_size(std::string_view text);
/// "5%", "0.1%", up to "100%", exactly.
std::optional<Ratio> parse_percentage(std::string_view text);

}  // namespace handfast::cli
