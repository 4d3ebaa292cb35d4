// RFC 9112 §2 to §5: start lines and field lines. Strict: what two readers could understand in two
// ways (bare CR or LF, obs-fold, white space before a colon) is refused, because request smuggling
// lives there (RFC 9112 §11.2).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/config.hpp"
#include "http/error.hpp"
#include "http/message.hpp"

namespace handfast::http {

/// Finds the empty line that ends a section of lines, and remembers how far it has looked, so that
/// a head that comes a byte at a time costs no more than one that comes at once.
class SectionScanner {
 public:
  /// The length of the section at the front of `in`, with the CRLF of its last line and of the
  /// empty line; 0 where its end is not there yet. `in` must begin where it began last time until
  /// a length was returned. A bare LF is refused at once, a bare CR by whoever parses the section;
  /// an empty section is the two bytes CRLF.
  Result<u32, Error> find_end(Bytes in, const Config& config);

 private:
  u32 line_start_ = 0;
  u32 scanned_ = 0;
};

/// `head` is a whole section as found by SectionScanner. Views go into it, and the fields into
/// `storage`, which they replace.
Result<Request, Error> parse_request(std::string_view head, std::vector<Field>& storage,
                                     const Config& config);
Result<Response, Error> parse_response(std::string_view head, std::vector<Field>& storage,
                                       const Config& config);
/// Field lines alone (a head's or a trailer section's), up to and with the empty line.
Result<void, Error> parse_fields(std::string_view lines, std::vector<Field>& storage,
                                 const Config& config);

/// RFC 9110 §8.6: 1*DIGIT that fits 63 bits, and nothing around it.
Result<u64, Error> parse_content_length(std::string_view value);
/// What the Content-Length field says; nothing where there is none, or it is no length.
std::optional<u64> content_length(Fields fields);

}  // namespace handfast::http
