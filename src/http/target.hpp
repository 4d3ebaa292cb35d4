// RFC 3986 §2.1 and §5, RFC 9112 §3.2: from a request target to a path that may be looked up, and
// from what a user types to what a client asks for.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/error.hpp"

namespace handfast::http {

/// The decoded path of a request target (origin-form or absolute-form), without its query. It
/// begins with "/" and cannot climb: a segment "..", an encoded "/", a NUL or a broken escape is
/// refused, and so decoding it again never gives another path's meaning. "." and empty segments
/// are dropped; a "/" at the end is kept, for it names a directory.
Result<std::string, Error> decode_path(std::string_view target);
/// `path` with every character escaped that is not unreserved or "/" (RFC 3986 §2.3).
std::string encode_path(std::string_view path);
/// `text` for a place between tags or in a quoted attribute of HTML.
std::string escape_html(std::string_view text);

/// An http or https URL in parts (RFC 9110 §4.2.1, §4.2.2).
struct Url {
  std::string host;  // an IPv6 literal without its brackets
  u16 port = 80;
  bool is_secure = false;  // https
  std::string target;      // path and query, ready to be sent
  bool is_ipv6_literal = false;

  /// What goes into the Host field.
  std::string authority() const;
  std::string text() const;
  /// The last segment of the path, decoded where that is safe; "" for a directory.
  std::string file_name() const;
};
/// "http[s]://host[:port][/path][?query]". Bytes above ASCII are escaped, a fragment is dropped;
/// what else does not belong into a URL is an Error whose `why` can be shown to the user.
Result<Url, Error> parse_url(std::string_view text);
/// What `reference` (a Location field) means on `base` (RFC 3986 §5.2).
Result<Url, Error> resolve(const Url& base, std::string_view reference);

}  // namespace handfast::http
