// RFC 9112 §6.3 (message body length) and §7.1 (chunked transfer coding).
#include "http/framing.hpp"

#include <algorithm>
#include <optional>

#include "http/grammar.hpp"
#include "http/parser.hpp"

namespace handfast::http {
namespace {

Error bad(std::string_view why, std::string_view section, u64 offset = 0) {
  return {400, why, section, offset};
}

/// The value of Transfer-Encoding: "chunked" alone is spoken here.
Result<void, Error> check_codings(std::string_view value) {
  if (equals_ignoring_case(value, "chunked")) return {};
  const auto comma = value.rfind(',');
  const std::string_view last = trim(comma == value.npos ? value : value.substr(comma + 1));
  // §6.3 (4): "if a Transfer-Encoding header field is present in a request and the chunked transfer
  // coding is not the final encoding, the message body length cannot be determined reliably".
  if (!equals_ignoring_case(last, "chunked"))
    return failure(bad("chunked is not the final transfer coding", "RFC 9112 §6.3"));
  for (std::string_view rest = value.substr(0, comma);;) {
    const auto end = rest.find(',');
    const std::string_view coding = trim(rest.substr(0, end));
    if (equals_ignoring_case(coding, "chunked"))
      return failure(bad("the chunked coding applied twice", "RFC 9112 §6.1"));
    if (!is_token(coding)) return failure(bad("a malformed transfer coding", "RFC 9112 §7"));
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  return failure(Error{501, "a transfer coding other than chunked", "RFC 9112 §6.1"});
}

/// Steps 3 to 5 of §6.3, which requests and responses share; `otherwise` where neither field is
/// there.
Result<Framing, Error> declared_framing(Fields fields, u8 minor_version, const Framing& otherwise) {
  u32 codings = 0;
  u32 lengths = 0;
  std::string_view value;
  for (const Field& field : fields) {
    const bool is_coding = equals_ignoring_case(field.name, "transfer-encoding");
    if (!is_coding && !equals_ignoring_case(field.name, "content-length")) continue;
    ++(is_coding ? codings : lengths);
    value = field.value;
  }
  if (codings + lengths == 0) return otherwise;
  // "A server MAY reject a request that contains both … Such a message might indicate an attempt
  // to perform request smuggling". We do, and refuse such a response as well.
  if (codings > 0 && lengths > 0)
    return failure(bad("both Transfer-Encoding and Content-Length", "RFC 9112 §6.3"));
  if (codings > 1) return failure(bad("more than one Transfer-Encoding field", "RFC 9112 §6.3"));
  if (lengths > 1) return failure(bad("more than one Content-Length field", "RFC 9112 §6.3"));
  if (codings == 1) {
    // §6.1: in HTTP/1.0 "MUST treat the message as if the framing is faulty".
    if (minor_version == 0) return failure(bad("Transfer-Encoding in HTTP/1.0", "RFC 9112 §6.1"));
    const auto checked = check_codings(value);
    if (!checked) return failure(checked.error());
    return Framing(Chunked{});
  }
  const auto length = parse_content_length(value);
  if (!length) return failure(length.error());
  return Framing(Length{*length});
}

constexpr std::string_view white_space = " \t";

/// The bytes of the token or quoted-string (RFC 9110 §5.6.4) at the front of `text`; 0: neither.
std::size_t word_length(std::string_view text) {
  if (!text.starts_with('"'))
    return to<std::size_t>(
        std::ranges::find_if_not(text, [](char c) { return is(char_token, c); }) - text.begin());
  bool is_escaped = false;
  for (std::size_t n = 1; n < text.size() && is(char_value, text[n]); ++n) {
    if (text[n] == '"' && !is_escaped) return n + 1;
    is_escaped = text[n] == '\\' && !is_escaped;
  }
  return 0;
}

/// §7.1.1: *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ). They mean nothing to us,
/// but what ends them must be beyond doubt. Returns where `text` is anything else.
std::optional<std::size_t> fault_in_extensions(std::string_view text) {
  std::string_view rest = text;
  const auto take = [&rest](char c) {
    const auto at = rest.find_first_not_of(white_space);
    if (at == rest.npos || rest[at] != c) return false;
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(white_space, at + 1)));
    return true;
  };
  while (take(';')) {
    const std::size_t name = word_length(rest);
    if (name == 0 || rest.front() == '"') return text.size() - rest.size();
    rest.remove_prefix(name);
    if (!take('=')) continue;
    const std::size_t value = word_length(rest);
    if (value == 0) return text.size() - rest.size();
    rest.remove_prefix(value);
  }
  if (rest.empty()) return std::nullopt;
  return text.size() - rest.size();
}

/// chunk-size [chunk-ext], without the CRLF.
Result<u64, Error> parse_chunk_line(std::string_view line, u32& extension_bytes, u32 limit) {
  constexpr std::string_view section = "RFC 9112 §7.1";
  u64 size = 0;
  u32 digits = 0;
  for (; digits < line.size() && hex_value(line[digits]) >= 0; ++digits) {
    if (digits == 15) return failure(bad("the chunk size is too large", section));
    size = size * 16 + to<u64>(hex_value(line[digits]));
  }
  if (digits == 0) return failure(bad("the chunk size is not a number", section));
  const std::string_view extension = line.substr(digits);
  if (extension.empty()) return size;
  if (!trim(extension).starts_with(';'))
    return failure(bad("something other than an extension after the chunk size", section, digits));
  if (const auto fault = fault_in_extensions(extension))
    return failure(bad("a malformed chunk extension", "RFC 9112 §7.1.1", digits + *fault));
  // "A server ought to limit the total length of chunk extensions received in a request".
  if (extension.size() > limit - extension_bytes)
    return failure(Error{413, "too many bytes of chunk extensions", "RFC 9112 §7.1.1", digits});
  extension_bytes += to<u32>(extension.size());
  return size;
}

Content read_length(Length& length, Bytes& in) {
  if (length.left == 0) return {Content::Kind::complete};
  if (in.empty()) return {};
  const Bytes piece = in.first(to<std::size_t>(std::min<u64>(in.size(), length.left)));
  in = in.subspan(piece.size());
  length.left -= piece.size();
  return {Content::Kind::data, piece};
}

/// The size line: nothing where it is not complete yet.
Result<bool, Error> read_chunk_line(Chunked& chunked, Bytes& in, const Config& config) {
  const std::string_view text =
      as_text(in.first(std::min<std::size_t>(in.size(), config.chunk_line_bytes_max)));
  const auto end = text.find('\n');
  if (end == text.npos) {
    if (in.size() >= config.chunk_line_bytes_max)
      return failure(bad("the chunk's size line is too long", "RFC 9112 §7.1.1", text.size()));
    return false;
  }
  if (end == 0 || text[end - 1] != '\r')
    return failure(bad("a bare LF after a chunk size", "RFC 9112 §7.1", end));
  const auto size = parse_chunk_line(text.substr(0, end - 1), chunked.extension_bytes,
                                     config.chunk_extensions_bytes_max);
  if (!size) return failure(size.error());
  in = in.subspan(end + 1);
  chunked.left = *size;
  chunked.phase = *size == 0 ? Chunked::Phase::trailers : Chunked::Phase::data;
  return true;
}

Result<Content, Error> read_chunked(Chunked& chunked, Bytes& in, const Config& config) {
  const Error no_data_end = bad("chunk data without its CRLF", "RFC 9112 §7.1");
  for (;;) {
    switch (chunked.phase) {
      case Chunked::Phase::size_line: {
        const auto progress = read_chunk_line(chunked, in, config);
        if (!progress) return failure(progress.error());
        if (!*progress) return Content{};
        break;
      }
      case Chunked::Phase::data: {
        Length rest{chunked.left};
        const Content content = read_length(rest, in);
        chunked.left = rest.left;
        if (content.kind != Content::Kind::complete) return content;
        chunked.phase = Chunked::Phase::data_end;
        break;
      }
      case Chunked::Phase::data_end:
        if (!in.empty() && in[0] != '\r') return failure(no_data_end);
        if (in.size() < 2) return Content{};
        if (in[1] != '\n') return failure(no_data_end);
        in = in.subspan(2);
        chunked.phase = Chunked::Phase::size_line;
        break;
      case Chunked::Phase::trailers: return Content{Content::Kind::trailers};
    }
  }
}

}  // namespace

bool has_no_content(u16 status, bool to_head) {
  return to_head || status < 200 || status == 204 || status == 304;
}

Result<Framing, Error> request_framing(const Request& request) {
  static constexpr Framing none = Length{0};  // §6.3 (7)
  return declared_framing(request.fields, request.minor_version, none);
}

Result<Framing, Error> response_framing(const Response& response, bool to_head) {
  static constexpr Framing rest = UntilClose{};  // §6.3 (8)
  auto framing = declared_framing(response.fields, response.minor_version, rest);
  if (framing && has_no_content(response.status, to_head)) *framing = Length{0};
  return framing;
}

Result<Content, Error> read_content(Framing& framing, Bytes& in, const Config& config) {
  if (auto* length = std::get_if<Length>(&framing)) return read_length(*length, in);
  if (auto* chunked = std::get_if<Chunked>(&framing)) return read_chunked(*chunked, in, config);
  if (in.empty()) return Content{};
  const Bytes piece = in;
  in = in.last(0);
  return Content{Content::Kind::data, piece};
}

}  // namespace handfast::http
