#include <string>

#include <fmt/format.h>

#include "trace/event.hpp"

namespace handfast::trace {

std::string to_string(const Why& why) {
  const fmt::string_view format{why.format.data(), why.format.size()};
  return fmt::vformat(format, fmt::make_format_args(why.a, why.b));
}

std::string to_string(const SynFlood& flood) {
  std::string text =
      fmt::format("SYN flood at {} {}", wire::to_string(flood.listener), flood.state);
  if (flood.lasted > 0ns)
    text += fmt::format(" after {:.1f} s", std::chrono::duration<double>(flood.lasted).count());
  return text + fmt::format(
                    ": {} SYNs/s, {} in all from about {} sources; cookies: {} sent, {} "
                    "valid, {} invalid",
                    flood.syns_per_second, flood.syns, flood.sources, flood.cookies_sent,
                    flood.cookies_valid, flood.cookies_invalid);
}

}  // namespace handfast::trace
