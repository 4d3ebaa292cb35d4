// RFC 9113 §8.2 and §8.3: a section of fields (a head's, or trailers) as it comes out of HPACK, and
// the request or response that it is. What nghttp2 has judged already is not judged again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/config.hpp"
#include "http/error.hpp"
#include "http/message.hpp"

namespace handfast::http::h2 {

/// Keeps its memory for the next one.
class Section {
 public:
  void clear();
  /// The next field. One that passes a limit is not kept; too_large() then says so.
  void add(std::string_view name, std::string_view value, const http::Config& limits);
  bool too_large() const { return too_large_; }

  /// Views into this object, valid until clear(). An Error of status 400 is a malformed request: a
  /// stream error (RFC 9113 §8.1.1); another is for an answer, and partial() for its log.
  Result<Request, Error> request(const http::Config& limits);
  Request partial() const;
  /// nothing where there is no :status, as in trailers.
  std::optional<Response> response();
  Fields fields();

 private:
  struct Range {
    u32 begin = 0;
    u32 size = 0;
    bool is_set = false;
  };
  struct Line {
    Range name;
    Range value;
  };
  Range keep(std::string_view text);
  std::string_view view(Range range) const;
  bool take_pseudo(std::string_view name, std::string_view value);
  void join_cookies();
  std::optional<Error> check_authority() const;

  std::string text_;
  std::vector<Line> lines_;
  std::vector<Field> fields_;
  Range method_;
  Range path_;
  Range authority_;
  Range scheme_;
  Range status_;
  u32 bytes_ = 0;  // as RFC 9113 §6.5.2 counts
  bool too_large_ = false;
};

/// The fields of a message that is to be sent, as HTTP/2 has them: names in lower case, without
/// those that speak of an HTTP/1.1 connection (§8.2.2), without Host where `drops_host`. Views are
/// valid until the next call on the same `text`. An Error names a field that cannot be sent.
Result<void, Error> outgoing_fields(Fields fields, bool drops_host, std::string& text,
                                    std::vector<Field>& storage);

}  // namespace handfast::http::h2
