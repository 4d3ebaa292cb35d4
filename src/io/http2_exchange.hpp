// One stream of an HTTP/2 connection of a server, as its handler sees it.
#pragma once

#include <optional>
#include <system_error>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "base/time.hpp"
#include "http/h2/event.hpp"
#include "io/http_exchange.hpp"

namespace handfast::io {

class Http2Session;

class Http2Exchange final : public HttpExchange {
 public:
  /// `session` outlives this.
  Http2Exchange(Http2Session& session, http::h2::StreamId id);

  /// Has it answered, and takes what the client still sends then, where that is little.
  asio::awaitable<void> run();

  // What the session tells.
  void take_request(const http::Request& from, bool has_content);
  void refuse(const http::Request& from, const http::Error& error);
  void take_content(Bytes content);
  void take_end(http::Fields trailers);
  void fail(std::error_code error);
  void wake() {
    if (changed_) changed_->cancel();
  }
  /// What waits until then and gets nothing is too late; `never` where nothing waits.
  Instant deadline() const { return deadline_; }
  void on_deadline();
  /// Content that was handed over and not taken, in bytes.
  u32 unread() const { return to<u32>(content_.size() + piece_.size()); }

 private:
  asio::awaitable<HttpPiece> read() override;
  asio::awaitable<std::error_code> send_informational(u16 status, http::Fields fields) override;
  asio::awaitable<std::error_code> put_head(u16 status, http::Fields fields, bool more) override;
  asio::awaitable<std::error_code> write(Bytes content, bool more) override;
  asio::awaitable<std::error_code> write_file(const link::Descriptor& file, http::ByteRange part,
                                              bool more) override;
  asio::awaitable<std::error_code> finish(http::Fields trailers) override;

  void fill(const http::Request& from);
  void give_back_piece();
  /// Why no more content can be sent: at most `size` bytes are meant to be.
  std::error_code misuse(u64 size) const;
  void note_sent(u32 n, bool more);
  /// Until wake(), or `limit` has passed: timed_out.
  asio::awaitable<std::error_code> wait(Duration limit);
  asio::awaitable<std::error_code> wait_for_space();

  Http2Session& session_;
  http::h2::StreamId id_;
  // Never expires: cancelled when the handler may go on. Made when it first waits.
  std::optional<asio::steady_timer> changed_;
  Instant deadline_ = never;
  std::vector<u8> content_;  // that came
  std::vector<u8> piece_;    // that the handler has
  u64 content_read_ = 0;
  Instant content_began_{};
  Instant sending_began_{};
  std::optional<u64> left_;  // of the response's content, where its length was told
  std::error_code error_;
  bool has_ended_ = false;  // the request's content
  bool client_waits_ = false;
  bool is_late_ = false;
  bool is_refused_ = false;
};

}  // namespace handfast::io
