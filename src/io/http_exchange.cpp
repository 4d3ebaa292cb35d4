#include "io/http_exchange.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "http/target.hpp"
#include "io/file_tree.hpp"
#include "io/http_service.hpp"

namespace handfast::io {

asio::awaitable<std::error_code> HttpExchange::read_all(std::string& content, u64 bytes_max) {
  content.clear();
  HttpPiece piece;
  do {
    piece = co_await read();
    if (content.size() + piece.bytes.size() > bytes_max) {
      note_refusal({413, "The content is larger than this server takes."});
      co_return std::make_error_code(std::errc::file_too_large);
    }
    content += as_text(piece.bytes);
  } while (!piece.bytes.empty());
  co_return piece.error;
}

asio::awaitable<std::error_code> HttpExchange::drop_content() {
  const u64 left_max = service_.options().dropped_content_max;
  u64 dropped = request_.content_length.value_or(0);
  HttpPiece piece;
  if (http::has_token(request_.fields.view(), "expect", "100-continue")) co_return piece.error;
  for (bool is_more = request_.has_content; is_more && dropped <= left_max;) {
    piece = co_await read();
    if (!request_.content_length) dropped += piece.bytes.size();
    is_more = !piece.bytes.empty();
  }
  if (dropped <= left_max) co_return piece.error;
  note_refusal({413, "The content is larger than this server reads."});
  co_return std::make_error_code(std::errc::file_too_large);
}

asio::awaitable<std::error_code> HttpExchange::send_head(const HttpResponse& response, bool more) {
  head_.clear();
  // What a proxy passes on has them already.
  if (!response.fields.find("date")) head_.push_back({"Date", service_.date()});
  const HttpServerOptions& options = service_.options();
  if (!options.name.empty() && !response.fields.find("server"))
    head_.push_back({"Server", options.name});
  // RFC 6797 §7.2: not over plain HTTP.
  if (!options.hsts.empty() && request_.scheme == "https")
    head_.push_back({"Strict-Transport-Security", options.hsts});
  const http::Fields own = response.fields.view();
  head_.insert(head_.end(), own.begin(), own.end());
  // A 304 has no content of its own, and no length is better than a wrong one (RFC 9110 §8.6).
  if (response.length && response.status != 304 && response.status != 204) {
    length_ = std::to_string(*response.length);
    head_.push_back({"Content-Length", length_});
  }
  return put_head(response.status, head_, more);
}

asio::awaitable<std::error_code> HttpExchange::write_file(const link::Descriptor& file,
                                                          http::ByteRange part, bool more) {
  constexpr u32 piece_bytes = 16u << 10;
  std::vector<u8> room(std::min<u64>(part.length, piece_bytes));
  const u64 end = part.first + part.length;
  std::error_code error;
  for (u64 at = part.first; at < end && !error && !sends_no_content();) {
    const MutBytes piece = MutBytes(room).first(std::min<u64>(end - at, room.size()));
    const auto n = read_at(file, piece, at);
    if (!n || *n < piece.size()) co_return std::make_error_code(std::errc::io_error);
    at += piece.size();
    error = co_await write(piece, more || at < end);
  }
  co_return error;
}

asio::awaitable<HttpTunnel> HttpExchange::switch_protocols(http::Fields /*fields*/) {
  co_return HttpTunnel{std::make_error_code(std::errc::operation_not_supported), nullptr, {}};
}

asio::awaitable<void> HttpExchange::respond(const HttpResponse& response,
                                            std::string_view content) {
  HttpResponse whole = response;
  whole.length = content.size();
  std::error_code error = co_await send_head(whole, true);
  if (!error) error = co_await write(as_bytes(content), true);
  if (!error) co_await finish();
}

asio::awaitable<void> HttpExchange::respond_error(u16 status, std::string_view why) {
  const std::string page = error_page(status, why);
  HttpResponse response;
  response.status = status;
  response.fields.add("Content-Type", "text/html; charset=utf-8");
  co_await respond(response, page);
}

void HttpExchange::begin() {
  began_ = service_.now();
  refusal_.reset();
  trailers_.clear();
  content_bytes_ = 0;
  status_ = 0;
  complete_ = false;
  request_.parameters.clear();
}

void HttpExchange::note_content(u64 bytes) {
  content_bytes_ += bytes;
  service_.counters().content_bytes += bytes;
}

void HttpExchange::release() {
  HttpRequest next;
  next.client = request_.client;
  next.scheme = std::move(request_.scheme);
  request_ = std::move(next);
  trailers_ = FieldList();
  head_ = std::vector<http::Field>();  // "= {}" would keep a vector's memory
  length_ = std::string();
}

std::string error_page(u16 status, std::string_view why) {
  const std::string_view reason = http::reason_phrase(status);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<title>{0} {1}</title></head>\n<body><h1>{0} {1}</h1>\n<p>{2}</p></body></html>\n",
      status, reason, http::escape_html(why));
}

}  // namespace handfast::io
