// RFC 9112 §6 and §7: where a message's content ends. Decided once, when its head is known.
#pragma once

#include <variant>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/config.hpp"
#include "http/error.hpp"
#include "http/message.hpp"

namespace handfast::http {

/// So many bytes of content are still to come.
struct Length {
  u64 left = 0;
};
/// RFC 9112 §7.1.
struct Chunked {
  enum class Phase : u8 { size_line, data, data_end, trailers };
  Phase phase = Phase::size_line;
  u64 left = 0;             // of the chunk
  u32 extension_bytes = 0;  // so far, in all chunks
};
/// All up to the end of the connection (responses only).
struct UntilClose {};
using Framing = std::variant<Length, Chunked, UntilClose>;

/// RFC 9112 §6.3. Refuses a message with both Transfer-Encoding and Content-Length, with more than
/// one of either, with another coding than chunked, or with Transfer-Encoding in HTTP/1.0. Which
/// byte is at fault is not told here.
Result<Framing, Error> request_framing(const Request& request);
/// `to_head`: the response answers a HEAD request, so no content follows its head.
Result<Framing, Error> response_framing(const Response& response, bool to_head);
/// RFC 9112 §6.3 (1): 1xx, 204, 304 and answers to HEAD have no content, whatever their fields say.
bool has_no_content(u16 status, bool to_head);

/// What read_content() found.
struct Content {
  enum class Kind : u8 {
    need_more,
    data,      // `bytes` of content
    trailers,  // a trailer section follows (RFC 9112 §7.1.2)
    complete,
  };
  Kind kind = Kind::need_more;
  Bytes bytes{};
};
/// Takes one contiguous piece of content, or the framing before it, from the front of `in`. An
/// Error's offset counts from where it has left `in`.
Result<Content, Error> read_content(Framing& framing, Bytes& in, const Config& config);

}  // namespace handfast::http
