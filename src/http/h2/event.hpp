// What an HTTP/2 connection tells. Streams are named by their numbers (RFC 9113 §5.1.1).
#pragma once

#include <string_view>
#include <variant>

#include "base/types.hpp"
#include "http/error.hpp"
#include "http/h2/error.hpp"
#include "http/message.hpp"

namespace handfast::http::h2 {

using StreamId = u32;

/// Server: a request's head. Its first field is Host, whether the client said so or :authority;
/// cookies are one field. Views are valid until the stream is released.
struct RequestHead {
  StreamId stream = 0;
  Request request{};
  bool has_content = false;  // or trailers
};

/// Server: a request that is understood but not taken (too large, CONNECT): answer it with this.
struct RequestRefused {
  StreamId stream = 0;
  Request request{};  // as far as it is known: the method, and the target
  Error error{};
};

/// Client. A 1xx response has no fields here. Views are valid until the stream is released.
struct ResponseHead {
  StreamId stream = 0;
  Response response{};
};

/// A piece of content: a view into what was handed to on_input(), valid until that is called again.
/// Whoever took the event gives its size to Connection::consume(), at once or later.
struct Content {
  StreamId stream = 0;
  Bytes bytes{};
};

/// The peer's message is complete. Trailers are valid until the stream is released.
struct End {
  StreamId stream = 0;
  Fields trailers{};
};

/// The stream ended early: the peer reset it, it was malformed, or the connection is over.
struct Reset {
  StreamId stream = 0;
  Code code = Code::no_error;
};

/// send_space() had nothing to give, and now has.
struct Writable {
  StreamId stream = 0;
};

/// The peer takes no more requests. Client: streams above `last` were not acted on; a Reset
/// (refused_stream) follows for each.
struct GoingAway {
  StreamId last = 0;
  Code code = Code::no_error;
};

using Event = std::variant<RequestHead, RequestRefused, ResponseHead, Content, End, Reset, Writable,
                           GoingAway>;

}  // namespace handfast::http::h2
