// Why a message was refused, in the words that the peer hears (RFC 9110 §15).
#pragma once

#include <string_view>

#include "base/types.hpp"

namespace handfast::http {

/// `status` is what a server answers before it closes: 400 where the client broke the grammar, 414
/// and 431 where it was too long, 501 and 505 where it asked for what is not here, 500 where this
/// end misused the connection. `why` is a literal for people.
struct Error {
  u16 status = 400;
  std::string_view why;
};

}  // namespace handfast::http
