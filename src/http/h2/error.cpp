#include "http/h2/error.hpp"

#include <array>

namespace handfast::http::h2 {

std::string_view to_string(Code code) {
  constexpr std::array<std::string_view, 14> names{"NO_ERROR",
                                                   "PROTOCOL_ERROR",
                                                   "INTERNAL_ERROR",
                                                   "FLOW_CONTROL_ERROR",
                                                   "SETTINGS_TIMEOUT",
                                                   "STREAM_CLOSED",
                                                   "FRAME_SIZE_ERROR",
                                                   "REFUSED_STREAM",
                                                   "CANCEL",
                                                   "COMPRESSION_ERROR",
                                                   "CONNECT_ERROR",
                                                   "ENHANCE_YOUR_CALM",
                                                   "INADEQUATE_SECURITY",
                                                   "HTTP_1_1_REQUIRED"};
  const auto index = to<std::size_t>(code);
  return index < names.size() ? names[index] : "UNKNOWN";
}

}  // namespace handfast::http::h2
