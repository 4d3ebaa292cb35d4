// RFC 9112 §6.3 (message body length) and §7.1 (chunked transfer coding).
#include "http/framing.hpp"

#include <algorithm>
#include <optional>

#include "http/grammar.hpp"
#include "http/parser.hpp"

namespace handfast::http {
namespace {

Error bad(std::string_view why) { return {400, why}; }

/// Steps 3 to 5 of §6.3, which requests and responses share; none where neither field is there.
Result<std::optional<Framing>, Error> declared_framing(Fields fields, u8 minor_version) {
  const u32 codings = count(fields, "transfer-encoding");
  const u32 lengths = count(fields, "content-length");
  // "A server MAY reject a request that contains both … Such a message might indicate an attempt
  // to perform request smuggling". We do, and refuse such a response as well.
  if (codings > 0 && lengths > 0) return failure(bad("both Transfer-Encoding and Content-Length"));
  if (codings > 1) return failure(bad("more than one Transfer-Encoding field"));
  if (lengths > 1) return failure(bad("more than one Content-Length field"));
  if (codings == 1) {
    // §6.1: in HTTP/1.0 "MUST treat the message as if the framing is faulty".
    if (minor_version == 0) return failure(bad("Transfer-Encoding in HTTP/1.0"));
    if (!equals_ignoring_case(*find(fields, "transfer-encoding"), "chunked"))
      return failure(Error{501, "a transfer coding other than chunked"});
    return Framing(Chunked{});
  }
  if (lengths == 0) return std::nullopt;
  const auto length = parse_content_length(*find(fields, "content-length"));
  if (!length) return failure(length.error());
  return Framing(Length{*length});
}

/// chunk-size [chunk-ext], without the CRLF. Extensions are checked for their characters only and
/// mean nothing to us (§7.1.1).
Result<u64, Error> parse_chunk_line(std::string_view line) {
  u64 size = 0;
  u32 digits = 0;
  for (; digits < line.size() && hex_value(line[digits]) >= 0; ++digits) {
    if (digits == 15) return failure(bad("the chunk size is too large"));
    size = size * 16 + to<u64>(hex_value(line[digits]));
  }
  if (digits == 0) return failure(bad("the chunk size is not a number"));
  const std::string_view extension = line.substr(digits);
  if (!extension.empty() && !trim(extension).starts_with(';'))
    return failure(bad("something other than an extension after the chunk size"));
  if (!all(char_value, extension)) return failure(bad("a control character in a chunk extension"));
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
      return failure(bad("the chunk's size line is too long"));
    return false;
  }
  if (end == 0 || text[end - 1] != '\r') return failure(bad("a bare LF after a chunk size"));
  const auto size = parse_chunk_line(text.substr(0, end - 1));
  if (!size) return failure(size.error());
  in = in.subspan(end + 1);
  chunked.left = *size;
  chunked.phase = *size == 0 ? Chunked::Phase::trailers : Chunked::Phase::data;
  return true;
}

Result<Content, Error> read_chunked(Chunked& chunked, Bytes& in, const Config& config) {
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
        if (!in.empty() && in[0] != '\r') return failure(bad("chunk data without its CRLF"));
        if (in.size() < 2) return Content{};
        if (in[1] != '\n') return failure(bad("chunk data without its CRLF"));
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
  const auto declared = declared_framing(request.fields, request.minor_version);
  if (!declared) return failure(declared.error());
  return declared->value_or(Framing(Length{0}));  // §6.3 (7)
}

Result<Framing, Error> response_framing(const Response& response, bool to_head) {
  const auto declared = declared_framing(response.fields, response.minor_version);
  if (!declared) return failure(declared.error());
  if (has_no_content(response.status, to_head)) return Framing(Length{0});
  return declared->value_or(Framing(UntilClose{}));  // §6.3 (8)
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
