#include "io/http2_exchange.hpp"

#include <algorithm>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "base/assert.hpp"
#include "http/parser.hpp"
#include "io/file_tree.hpp"
#include "io/http2_session.hpp"

namespace handfast::io {
namespace {

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

}  // namespace

Http2Exchange::Http2Exchange(Http2Session& session, http::h2::StreamId id)
    : HttpExchange(session.service()), session_(session), id_(id) {
  begin();
}

/// A client that is in the middle of its content takes an answer better than a reset.
asio::awaitable<void> Http2Exchange::run() {
  if (is_refused_)
    co_await service().refuse(*this);
  else
    co_await service().answer(*this);
  const u64 end = content_read_ + service().options().dropped_content_max;
  HttpPiece piece;
  while (is_complete() && !has_ended_ && !piece.error && content_read_ <= end)
    piece = co_await read();
}

void Http2Exchange::fill(const http::Request& from) {
  HttpRequest& to = request();
  to.method = from.method;
  to.target = from.target;
  to.major_version = 2;
  to.minor_version = 0;
  to.client = session_.client();
  if (session_.stream().tls() != nullptr) to.scheme = "https";
}

void Http2Exchange::take_request(const http::Request& from, bool has_content) {
  fill(from);
  HttpRequest& to = request();
  to.fields.assign(from.fields);
  to.authority = to.fields.find("host").value_or("");
  to.has_content = has_content;
  has_ended_ = !has_content;
  to.content_length = has_content ? http::content_length(from.fields) : u64{0};
  client_waits_ = has_content && http::has_token(from.fields, "expect", "100-continue");
}

void Http2Exchange::refuse(const http::Request& from, const http::Error& error) {
  fill(from);
  if (from.method.empty()) request().method = "-";
  if (from.target.empty()) request().target = "-";
  note_refusal(error);
  is_refused_ = true;
}

void Http2Exchange::take_content(Bytes content) {
  content_.insert(content_.end(), content.begin(), content.end());
  client_waits_ = false;
  wake();
}

void Http2Exchange::take_end(http::Fields trailers) {
  set_trailers(trailers);
  has_ended_ = true;
  wake();
}

void Http2Exchange::fail(std::error_code error) {
  if (!error_) error_ = error;
  wake();
}

void Http2Exchange::on_deadline() {
  is_late_ = true;
  wake();
}

asio::awaitable<std::error_code> Http2Exchange::wait(Duration limit) {
  is_late_ = false;
  deadline_ = after(service().now(), limit);
  session_.watch(deadline_);
  if (!changed_)
    changed_.emplace(session_.stream().get_executor(), asio::steady_timer::time_point::max());
  std::error_code ignored;
  co_await changed_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  deadline_ = never;
  std::error_code error = error_;
  if (!error && is_late_) error = std::make_error_code(std::errc::timed_out);
  co_return error;
}

/// What the handler has dealt with, the client may send again.
void Http2Exchange::give_back_piece() {
  if (piece_.empty()) return;
  session_.connection().consume(id_, to<u32>(piece_.size()));
  piece_.clear();
  session_.flush();
}

asio::awaitable<HttpPiece> Http2Exchange::read() {
  give_back_piece();
  if (content_read_ == 0) content_began_ = service().now();
  while (content_.empty() && !has_ended_ && !error_) {
    if (client_waits_ && status() == 0) {
      client_waits_ = false;
      const auto sent = session_.connection().respond(id_, {100}, false);
      ASSERT(sent);
      session_.flush();
    }
    const Duration limit =
        service().limit(service().options().content_timeout, content_read_, content_began_);
    const std::error_code error = co_await wait(limit);
    if (error == std::errc::timed_out && content_.empty()) {
      note_refusal({408, "The content took too long."});
      co_return HttpPiece{error, {}};
    }
  }
  if (!content_.empty()) {
    piece_.swap(content_);
    content_read_ += piece_.size();
    co_return HttpPiece{{}, piece_};
  }
  if (!has_ended_) co_return HttpPiece{error_, {}};
  co_return HttpPiece{};
}

asio::awaitable<std::error_code> Http2Exchange::send_informational(u16 status,
                                                                   http::Fields fields) {
  if (status < 102 || status > 199) co_return invalid();
  const http::Response response{status, {}, 1, fields};
  const auto sent = session_.connection().respond(id_, response, false);
  session_.flush();
  if (!sent) co_return invalid();
  co_return error_;
}

asio::awaitable<std::error_code> Http2Exchange::put_head(u16 status, http::Fields fields,
                                                         bool more) {
  if (error_) co_return error_;
  if (this->status() != 0) co_return invalid();
  const bool ends = request().is_head() || status == 204 || status == 304;
  const http::Response response{status, {}, 1, fields};
  const auto sent = session_.connection().respond(id_, response, ends);
  if (!sent) co_return invalid();
  if (!*sent) co_return std::make_error_code(std::errc::connection_reset);
  note_head(status);
  left_ = http::content_length(fields);
  sending_began_ = service().now();
  if (!more) session_.flush();
  co_return std::error_code{};
}

std::error_code Http2Exchange::misuse(u64 size) const {
  if (error_) return error_;
  if (status() == 0 || is_complete()) return invalid();
  return left_ && size > *left_ ? invalid() : std::error_code{};
}

void Http2Exchange::note_sent(u32 n, bool more) {
  note_content(n);
  if (left_) *left_ -= n;
  if (!more) session_.flush();
}

asio::awaitable<std::error_code> Http2Exchange::wait_for_space() {
  session_.flush();
  const Duration limit =
      service().limit(service().options().write_timeout, content_bytes(), sending_began_);
  const std::error_code error = co_await wait(limit);
  if (error) error_ = error;
  co_return error;
}

asio::awaitable<std::error_code> Http2Exchange::write(Bytes content, bool more) {
  if (sends_no_content()) co_return error_;
  std::error_code error = misuse(content.size());
  while (!content.empty() && !error) {
    const MutBytes space = session_.connection().send_space(id_, to<u32>(content.size()));
    if (space.empty()) {
      error = co_await wait_for_space();
      continue;
    }
    const auto n = to<u32>(space.size());
    std::copy_n(content.begin(), n, space.begin());
    session_.connection().send(id_, n);
    content = content.subspan(n);
    note_sent(n, more || !content.empty());
  }
  co_return error;
}

asio::awaitable<std::error_code> Http2Exchange::write_file(const link::Descriptor& file,
                                                           http::ByteRange part, bool more) {
  constexpr u64 piece_max = 64u << 10;
  if (sends_no_content()) co_return error_;
  std::error_code error = misuse(part.length);
  while (part.length > 0 && !error) {
    const u32 wanted = to<u32>(std::min(part.length, piece_max));
    const MutBytes space = session_.connection().send_space(id_, wanted);
    if (space.empty()) {
      error = co_await wait_for_space();
      continue;
    }
    const auto n = read_at(file, space, part.first);
    const u32 got = n ? to<u32>(*n) : 0;
    session_.connection().send(id_, got);
    if (got == 0) co_return std::make_error_code(std::errc::io_error);
    part.first += got;
    part.length -= got;
    note_sent(got, more || part.length > 0);
  }
  co_return error;
}

asio::awaitable<std::error_code> Http2Exchange::finish(http::Fields trailers) {
  const std::error_code error = misuse(0);
  if (error) co_return error;
  if (!sends_no_content()) {
    if (left_.value_or(0) > 0) co_return invalid();
    if (!session_.connection().finish(id_, trailers)) co_return invalid();
  }
  note_complete();
  session_.flush();
  co_return std::error_code{};
}

}  // namespace handfast::io
