// RFC 9112 §2.2 (message parsing), §3 (request line), §4 (status line), §5 (field syntax).
#include "http/parser.hpp"

#include <cstring>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view crlf = "\r\n";

Error bad(std::string_view why, std::string_view section, u64 offset = 0) {
  return {400, why, section, offset};
}

u64 offset_in(std::string_view whole, std::string_view part) {
  return to<u64>(part.data() - whole.data());
}

/// Of the first character in `text` that is not in the class.
u64 first_bad(CharClass wanted, std::string_view text) {
  return to<u64>(std::ranges::find_if_not(text, [=](char c) { return is(wanted, c); }) -
                 text.begin());
}

std::unexpected<Error> shifted(Error error, u64 offset) {
  error.offset += offset;
  return failure(error);
}

/// Takes the line at the front of `rest`, without its CRLF. SectionScanner has seen to it that
/// there is one.
std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find(crlf);
  if (end == rest.npos) return {};
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + crlf.size());
  return line;
}

/// "HTTP/1.x", `offset` bytes behind the start: the minor version.
Result<u8, Error> parse_version(std::string_view text, u64 offset) {
  // RFC 9112 §2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT, and HTTP-name is case-sensitive.
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7]))
    return failure(bad("the start line names no HTTP version", "RFC 9112 §2.3", offset));
  if (text[5] != '1')
    return failure(Error{505, "only HTTP/1 is spoken here", "RFC 9110 §15.6.6", offset + 5});
  return to<u8>(text[7] - '0');
}

/// RFC 9112 §3.2: origin-form, absolute-form, authority-form (CONNECT), asterisk-form (OPTIONS).
bool target_form_fits(std::string_view method, std::string_view target) {
  if (method == "CONNECT") return all(char_host, target);
  if (target == "*") return method == "OPTIONS";
  return target.starts_with('/') || target.find("://") != target.npos;
}

/// RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
/// request message that lacks a Host header field and to any request message that contains more
/// than one Host header field line or a Host header field with an invalid field value."
Result<void, Error> check_host(const Request& request, std::string_view head) {
  constexpr std::string_view section = "RFC 9112 §3.2";
  const Field* host = nullptr;
  for (const Field& field : request.fields) {
    if (!equals_ignoring_case(field.name, "host")) continue;
    if (host != nullptr)
      return failure(bad("more than one Host field", section, offset_in(head, field.name)));
    host = &field;
  }
  if (host == nullptr && request.minor_version >= 1)
    return failure(bad("no Host field", section, head.size()));
  if (host != nullptr && !all(char_host, host->value))
    return failure(bad("the Host field is not a host", section,
                       offset_in(head, host->value) + first_bad(char_host, host->value)));
  return {};
}

/// An Error's offset counts from the line's first byte.
Result<Field, Error> parse_field(std::string_view line) {
  // RFC 9112 §5.2: "A server that receives an obs-fold in a request message … MUST either reject
  // the message by sending a 400 … or replace each received obs-fold".
  if (line.front() == ' ' || line.front() == '\t')
    return failure(bad("a folded field line", "RFC 9112 §5.2"));
  const auto colon = line.find(':');
  if (colon == line.npos)
    return failure(bad("a field line without a colon", "RFC 9112 §5", line.size()));
  const std::string_view name = line.substr(0, colon);
  // RFC 9112 §5.1: "No whitespace is allowed between the field name and colon."
  if (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
    return failure(bad("white space between field name and colon", "RFC 9112 §5.1", colon - 1));
  if (!is_token(name))
    return failure(
        bad("a field name that is not a token", "RFC 9110 §5.1", first_bad(char_token, name)));
  const std::string_view value = trim(line.substr(colon + 1));
  if (!all(char_value, value))
    return failure(bad("a control character in a field value", "RFC 9110 §5.5",
                       offset_in(line, value) + first_bad(char_value, value)));
  return Field{name, value};
}

}  // namespace

Result<u32, Error> SectionScanner::find_end(Bytes in, const Config& config) {
  if (scanned_ > in.size()) *this = {};
  const u32 limit = config.head_bytes_max;
  const u32 end = to<u32>(std::min<std::size_t>(in.size(), limit));
  while (scanned_ < end) {
    const void* found = std::memchr(in.data() + scanned_, '\n', end - scanned_);
    const u32 line_end =
        found == nullptr ? end : to<u32>(static_cast<const u8*>(found) - in.data());
    // RFC 9112 §2.2: a bare CR is refused, and a bare LF too, which a recipient only MAY take.
    for (u32 i = std::max(scanned_, 1u) - 1; i + 1 < line_end; ++i)
      if (in[i] == '\r') return failure(bad("a bare CR", "RFC 9112 §2.2", i));
    scanned_ = line_end;
    if (found == nullptr) break;
    if (line_end == line_start_ || in[line_end - 1] != '\r')
      return failure(bad("a bare LF", "RFC 9112 §2.2", line_end));
    scanned_ = line_end + 1;
    const bool is_empty_line = line_end - line_start_ == 1;
    line_start_ = scanned_;
    if (is_empty_line) {
      const u32 length = scanned_;
      *this = {};
      return length;
    }
  }
  if (in.size() < limit) return 0;
  if (line_start_ == 0)
    return failure(Error{414, "the start line is too long", "RFC 9112 §3", limit});
  return failure(Error{431, "the fields are too long", "RFC 6585 §5", limit});
}

Result<Request, Error> parse_request(std::string_view head, std::vector<Field>& storage,
                                     const Config& config) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last)
    return failure(bad("the request line is not method, target, version", "RFC 9112 §3"));
  Request request;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!is_token(request.method))
    return failure(
        bad("the method is not a token", "RFC 9110 §9.1", first_bad(char_token, request.method)));
  const auto version = parse_version(line.substr(last + 1), last + 1);
  if (!version) return failure(version.error());
  request.minor_version = *version;
  if (request.target.size() > config.target_bytes_max)
    return failure(Error{414, "the request target is too long", "RFC 9112 §3", last});
  if (request.target.empty() || !all(char_target, request.target))
    return failure(bad("the request target has a forbidden character", "RFC 9112 §3.2",
                       first + 1 + first_bad(char_target, request.target)));
  if (!target_form_fits(request.method, request.target))
    return failure(
        bad("the request target has the wrong form for its method", "RFC 9112 §3.2", first + 1));
  if (const auto fields = parse_fields(rest, storage, config); !fields)
    return shifted(fields.error(), offset_in(head, rest));
  request.fields = storage;
  if (const auto host = check_host(request, head); !host) return failure(host.error());
  return request;
}

Result<Response, Error> parse_response(std::string_view head, std::vector<Field>& storage,
                                       const Config& config) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  const auto version = parse_version(line.substr(0, 8), 0);
  if (!version) return failure(version.error());
  constexpr std::string_view section = "RFC 9112 §4";
  Response response;
  response.minor_version = *version;
  if (line.size() < 12 || line[8] != ' ' || !is_digit(line[9]) || !is_digit(line[10]) ||
      !is_digit(line[11]) || line[9] == '0' || line[9] > '5')
    return failure(bad("the status line has no status code from 100 to 599", section, 9));
  response.status = to<u16>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  // The space before an empty reason is due (§4), but is often left out and cannot mislead.
  if (line.size() > 12) {
    if (line[12] != ' ') return failure(bad("the status code is not three digits", section, 12));
    response.reason = line.substr(13);
  }
  if (!all(char_value, response.reason))
    return failure(bad("a control character in the reason phrase", section,
                       13 + first_bad(char_value, response.reason)));
  if (const auto fields = parse_fields(rest, storage, config); !fields)
    return shifted(fields.error(), offset_in(head, rest));
  response.fields = storage;
  return response;
}

Result<void, Error> parse_fields(std::string_view lines, std::vector<Field>& storage,
                                 const Config& config) {
  storage.clear();
  std::string_view rest = lines;
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    if (storage.size() == config.fields_max)
      return failure(Error{431, "too many fields", "RFC 6585 §5", offset_in(lines, line)});
    const auto field = parse_field(line);
    if (!field) return shifted(field.error(), offset_in(lines, line));
    storage.push_back(*field);
  }
  return {};
}

Result<u64, Error> parse_content_length(std::string_view value) {
  // Eighteen digits cannot overflow; nobody has an exabyte for us.
  if (value.empty() || value.size() > 18 || !std::ranges::all_of(value, is_digit))
    return failure(bad("the Content-Length is not a number", "RFC 9110 §8.6"));
  u64 length = 0;
  for (const char digit : value) length = length * 10 + to<u64>(digit - '0');
  return length;
}

}  // namespace handfast::http
