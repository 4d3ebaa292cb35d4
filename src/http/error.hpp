// Why a message was refused, in the words that the peer hears (RFC 9110 §15).
#pragma once

#include <string_view>

#include "base/types.hpp"

namespace handfast::http {

/// `status` is what a server answers before it closes: 400 where the client broke the grammar, 413,
/// 414 and 431 where it was too long, 501 and 505 where it asked for what is not here, 500 where
/// this end misused the connection. `why` is a literal for people.
struct Error {
  u16 status = 400;
  std::string_view why;
  /// The rule that was broken, a literal: "RFC 9112 §5.1". Empty for misuse.
  std::string_view section{};
  /// Where: from Connection::next() counted from the peer's first byte on the connection, from a
  /// function of parser.hpp or framing.hpp from the first byte that it was handed.
  u64 offset = 0;
};

}  // namespace handfast::http
