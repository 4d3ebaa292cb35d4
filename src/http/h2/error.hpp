// RFC 9113 §7: how a stream or a connection ends badly, and why, in words.
#pragma once

#include <string>
#include <string_view>

#include "base/types.hpp"

namespace handfast::http::h2 {

enum class Code : u32 {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,  // nothing was done for it: it may be asked again
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11,
  inadequate_security = 12,
  http_1_1_required = 13,
};

/// The name in the RFC; "UNKNOWN" for a code that has none.
std::string_view to_string(Code code);

/// Why a connection is over: `code` is what the peer hears, or what it said; `why` is for people.
struct Failure {
  Code code = Code::no_error;
  std::string why{};
};

}  // namespace handfast::http::h2
