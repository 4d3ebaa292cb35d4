// RFC 9112 §2.2 (message parsing), §3 (request line), §4 (status line), §5 (field syntax).
#include "http/parser.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"
#include "http/grammar.hpp"
#include "http/scan.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t version_bytes = 8;  // HTTP/1.1

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

/// Whether a line ends at `at`. Beyond the last line there is another CRLF.
bool ends_line(std::string_view head, std::size_t at) {
  return at + 1 < head.size() && head[at] == '\r' && head[at + 1] == '\n';
}

/// "HTTP/1.x", `offset` bytes behind the start: the minor version.
Result<u8, Error> parse_version(std::string_view text, u64 offset) {
  // RFC 9112 §2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT, and HTTP-name is case-sensitive.
  if (text.size() != version_bytes || !text.starts_with("HTTP/") || !is_digit(text[5]) ||
      text[6] != '.' || !is_digit(text[7]))
    return failure(bad("the start line names no HTTP version", "RFC 9112 §2.3", offset));
  if (text[5] != '1')
    return failure(Error{505, "only HTTP/1 is spoken here", "RFC 9110 §15.6.6", offset + 5});
  return to<u8>(text[7] - '0');
}

/// Why `head` does not begin with method SP request-target SP HTTP-version CRLF.
Error fault_in_request_line(std::string_view head) {
  const std::string_view line = take_line(head);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last)
    return bad("the request line is not method, target, version", "RFC 9112 §3");
  const std::size_t method = name_length(line);
  if (method == 0 || method != first)
    return bad("the method is not a token", "RFC 9110 §9.1", method);
  const auto version = parse_version(line.substr(last + 1), last + 1);
  if (!version) return version.error();
  return bad("the request target has a forbidden character", "RFC 9112 §3.2",
             first + 1 + target_length(line, first + 1));
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
  if (host != nullptr && !consists_of<char_host>(host->value))
    return failure(bad("the Host field is not a host", section,
                       offset_in(head, host->value) + first_bad(char_host, host->value)));
  return {};
}

/// Why the line at the front of `lines` is no field line. The offset counts from its first byte.
Error fault_in_field(std::string_view lines) {
  // SectionScanner has seen to it that the LF is there, and a CR before it.
  const std::string_view line = lines.substr(0, lines.find('\n') - 1);
  // RFC 9112 §5.2: "A server that receives an obs-fold in a request message … MUST either reject
  // the message by sending a 400 … or replace each received obs-fold".
  if (line.starts_with(' ') || line.starts_with('\t'))
    return bad("a folded field line", "RFC 9112 §5.2");
  const std::size_t name = name_length(line);
  const std::size_t fault = name + value_length(line, name);
  if (fault < line.size() && line[fault] == '\r') return bad("a bare CR", "RFC 9112 §2.2", fault);
  const auto colon = line.find(':');
  if (colon == line.npos) return bad("a field line without a colon", "RFC 9112 §5", line.size());
  // RFC 9112 §5.1: "No whitespace is allowed between the field name and colon."
  if (colon > 0 && (line[colon - 1] == ' ' || line[colon - 1] == '\t'))
    return bad("white space between field name and colon", "RFC 9112 §5.1", colon - 1);
  if (colon != name || name == 0)
    return bad("a field name that is not a token", "RFC 9110 §5.1", name);
  ASSERT(fault < line.size());
  return bad("a control character in a field value", "RFC 9110 §5.5", fault);
}

}  // namespace

Result<u32, Error> SectionScanner::find_end(Bytes in, const Config& config) {
  if (scanned_ > in.size()) *this = {};
  const u32 limit = config.head_bytes_max;
  const u32 end = to<u32>(std::min<std::size_t>(in.size(), limit));
  while (scanned_ < end) {
    const u32 n = std::min(end - scanned_, line_feeds_bytes);
    for (u64 feeds = line_feeds(in.subspan(scanned_, n)); feeds != 0; feeds &= feeds - 1) {
      const u32 line_end = scanned_ + to<u32>(std::countr_zero(feeds));
      // RFC 9112 §2.2: a recipient MAY take a bare LF for a line's end. Here it is refused.
      if (line_end == line_start_ || in[line_end - 1] != '\r')
        return failure(bad("a bare LF", "RFC 9112 §2.2", line_end));
      const bool is_empty_line = line_end - line_start_ == 1;
      line_start_ = line_end + 1;
      if (!is_empty_line) continue;
      *this = {};
      return line_end + 1;
    }
    scanned_ += n;
  }
  if (in.size() < limit) return 0;
  if (line_start_ == 0)
    return failure(Error{414, "the start line is too long", "RFC 9112 §3", limit});
  return failure(Error{431, "the fields are too long", "RFC 6585 §5", limit});
}

Result<Request, Error> parse_request(std::string_view head, std::vector<Field>& storage,
                                     const Config& config) {
  Request request;
  request.method = head.substr(0, name_length(head));
  const std::size_t target = request.method.size() + 1;
  request.target = head.substr(target, target_length(head, target));
  const std::size_t version = target + request.target.size() + 1;
  if (request.method.empty() || head[target - 1] != ' ' || request.target.empty() ||
      head[version - 1] != ' ' || !ends_line(head, version + version_bytes))
    return failure(fault_in_request_line(head));
  const auto minor = parse_version(head.substr(version, version_bytes), version);
  if (!minor) return failure(minor.error());
  request.minor_version = *minor;
  if (request.target.size() > config.target_bytes_max)
    return failure(Error{414, "the request target is too long", "RFC 9112 §3", version - 1});
  if (!target_form_fits(request.method, request.target))
    return failure(
        bad("the request target has the wrong form for its method", "RFC 9112 §3.2", target));
  // The same as behind the version, and known sooner.
  const std::string_view rest = head.substr(head.find('\n') + 1);
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
  const auto version = parse_version(line.substr(0, version_bytes), 0);
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
  if (!consists_of<char_value>(response.reason))
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
  std::size_t begin = 0;
  // By the line feeds, so that no line waits for what is in the line before.
  for (std::size_t block = 0; block < lines.size(); block += line_feeds_bytes) {
    const Bytes part = as_bytes(lines).subspan(block);
    u64 feeds = line_feeds(part.first(std::min<std::size_t>(part.size(), line_feeds_bytes)));
    for (; feeds != 0; feeds &= feeds - 1) {
      const std::size_t end = block + to<u32>(std::countr_zero(feeds)) - 1;
      if (end == begin) return {};
      if (storage.size() == config.fields_max)
        return failure(Error{431, "too many fields", "RFC 6585 §5", begin});
      const std::size_t colon = begin + name_length(lines, begin);
      const std::size_t value = colon + 1;
      if (colon == begin || lines[colon] != ':' || value + value_length(lines, value) != end)
        return shifted(fault_in_field(lines.substr(begin)), begin);
      storage.push_back({{&lines[begin], colon - begin}, trim({&lines[value], end - value})});
      begin = end + crlf.size();
    }
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

std::optional<u64> content_length(Fields fields) {
  const auto text = find(fields, "content-length");
  if (!text) return std::nullopt;
  const auto length = parse_content_length(*text);
  return length ? std::optional(*length) : std::nullopt;
}

}  // namespace handfast::http
