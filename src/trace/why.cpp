#include <string>

#include <fmt/format.h>

#include "trace/event.hpp"

namespace handfast::trace {

std::string to_string(const Why& why) {
  const fmt::string_view format{why.format.data(), why.format.size()};
  return fmt::vformat(format, fmt::make_format_args(why.a, why.b));
}

}  // namespace handfast::trace
