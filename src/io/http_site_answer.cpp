// What a directory answers goes out here: whole files, parts of them, or packed on the way.
#include <algorithm>

#include "http/content_encoder.hpp"
#include "http/date.hpp"
#include "io/http_service.hpp"
#include "io/http_site.hpp"

namespace handfast::io {
namespace {

HttpResponse head_of(const HttpReply& reply, i64 now) {
  HttpResponse response{.status = reply.status, .fields = {}, .length = reply.length};
  if (reply.is_packed_here) response.length.reset();
  FieldList& fields = response.fields;
  if (reply.status != 304) fields.add("Content-Type", reply.content_type);
  if (reply.modified >= 0) {
    // RFC 9110 §8.8.2.1: never later than Date.
    const auto modified = http::format_date(std::min(reply.modified, now));
    fields.add("Last-Modified", http::as_text(modified));
  }
  if (!reply.entity_tag.empty()) {
    fields.add("ETag", reply.entity_tag);
    fields.add("Accept-Ranges", reply.is_packed_here ? "none" : "bytes");
  }
  if (reply.varies) fields.add("Vary", "Accept-Encoding");
  if (reply.coding != http::Coding::identity && reply.status != 304)
    fields.add("Content-Encoding", to_string(reply.coding));
  if (!reply.content_range.empty()) fields.add("Content-Range", reply.content_range);
  if (!reply.location.empty()) fields.add("Location", reply.location);
  if (reply.status == 405) fields.add("Allow", "GET, HEAD");
  return response;
}

/// Packs a file piece by piece: what it holds is the encoder's memory and two pieces.
asio::awaitable<std::error_code> write_packed(HttpExchange& exchange, const HttpReply& reply) {
  constexpr u32 piece_bytes = 16u << 10;
  const auto encoder = http::ContentEncoder::make(reply.coding);
  std::vector<u8> pieces(2 * std::size_t{piece_bytes});
  const MutBytes plain = MutBytes(pieces).first(piece_bytes);
  const MutBytes packed = MutBytes(pieces).subspan(piece_bytes);
  std::error_code error;
  for (u64 at = 0; at < reply.length && !error;) {
    const auto n =
        read_at(reply.file, plain.first(std::min<u64>(piece_bytes, reply.length - at)), at);
    if (!n || *n == 0) co_return std::make_error_code(std::errc::io_error);
    at += *n;
    const bool is_last = at == reply.length;
    Bytes in = plain.first(*n);
    u32 made = piece_bytes;
    while (made == piece_bytes && !error) {
      made = encoder->encode(in, is_last, packed);
      error = co_await exchange.write(packed.first(made), true);
    }
  }
  co_return error;
}

}  // namespace

asio::awaitable<void> HttpDirectory::operator()(HttpExchange& exchange) const {
  std::error_code error;
  if (exchange.request().has_content) error = co_await exchange.drop_content();
  if (error) co_return;
  const HttpReply reply = find(exchange.request().view());
  const HttpResponse head = head_of(reply, exchange.service().unix_time());
  error = co_await exchange.send_head(head, reply.length > 0);
  if (reply.is_packed_here && !error && !exchange.request().is_head())
    error = co_await write_packed(exchange, reply);
  for (std::size_t i = 0; i < reply.parts.size() && !error && !reply.is_packed_here; ++i) {
    const http::Part& part = reply.parts[i];
    const bool more = !reply.text.empty() || i + 1 < reply.parts.size();
    if (!part.head.empty()) error = co_await exchange.write(as_bytes(part.head), true);
    if (!error) error = co_await exchange.write_file(reply.file, part.range, more);
  }
  if (!error && !reply.text.empty()) error = co_await exchange.write(as_bytes(reply.text));
  if (!error) co_await exchange.finish();
}

}  // namespace handfast::io
