// RFC 9110 §6: messages as values. A request or response that was received is made of views into
// the bytes that were handed to Connection::next(); one that is sent is made of views that the
// caller keeps until send() returns.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/types.hpp"

namespace handfast::http {

/// One field line. The name is a token, the value has no white space at its ends.
struct Field {
  std::string_view name;
  std::string_view value;
};
using Fields = std::span<const Field>;

/// The value of the first field called `name`, in any case of letters.
std::optional<std::string_view> find(Fields fields, std::string_view name);
/// How many fields are called `name`.
u32 count(Fields fields, std::string_view name);
/// Whether the comma-separated list of all fields called `name` has `token`.
bool has_token(Fields fields, std::string_view name, std::string_view token);

struct Request {
  std::string_view method;
  std::string_view target;  // as sent: see target.hpp for its path
  u8 minor_version = 1;     // of HTTP/1
  Fields fields{};
};

struct Response {
  u16 status = 200;
  std::string_view reason{};  // empty: the usual one is sent
  u8 minor_version = 1;
  Fields fields{};
  u8 major_version = 1;
};

/// A piece of the content, without its framing.
struct Data {
  Bytes bytes;
};

/// The content is complete. `trailers` came after it (RFC 9112 §7.1.2).
struct EndOfMessage {
  Fields trailers{};
};

/// The peer will send no more.
struct ConnectionClosed {};

/// next() has used what it could: call it again when more has come behind what is left.
struct NeedMore {};

/// The peer's message is complete, and what follows it has to wait until this end has answered.
struct Paused {};

/// HTTP is over on this connection: what is left of the input belongs to what came after it.
struct Switched {};

using Event = std::variant<NeedMore, Paused, Request, Response, Data, EndOfMessage,
                           ConnectionClosed, Switched>;

/// RFC 9110 §15: "Not Found" for 404; "" for a code that has no name there.
std::string_view reason_phrase(u16 status);

}  // namespace handfast::http
