// A TLS session on a stream, as coroutines: who reads, who writes, and in which order.
#pragma once

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/use_awaitable.hpp>

#include "io/detail/tls_steps.hpp"

namespace handfast::io::detail {

struct TlsTransferred {
  std::error_code error{};
  std::size_t bytes = 0;
};

/// Its coroutines hold it, so that it outlives its stream as long as something is under way.
template <class Lower>
class TlsConnection : public TlsSteps<Lower> {
  using Self = std::shared_ptr<TlsConnection>;
  using Steps = TlsSteps<Lower>;

 public:
  using Steps::came;
  using Steps::end_writing;
  using Steps::ending;
  using Steps::feed;
  using Steps::is_writing_more;
  using Steps::session;
  using Steps::Steps;
  using Steps::went;

  static asio::awaitable<std::error_code> shake_hands(Self self) {
    co_return co_await self->handshake();
  }

  static asio::awaitable<TlsTransferred> read(Self self, MutBytes room) {
    std::error_code error = co_await self->handshake();
    while (!error) {
      if (self->has_plaintext() || room.empty())
        co_return TlsTransferred{{}, self->take_plaintext(room)};
      error = co_await self->advance();
    }
    co_return TlsTransferred{error, 0};
  }

  /// Until a read would not wait: plaintext is there, the end or an error.
  static asio::awaitable<std::error_code> wait(Self self) {
    std::error_code error = co_await self->handshake();
    while (!error && !self->has_plaintext()) error = co_await self->advance();
    co_return error == asio::error::eof ? std::error_code{} : error;
  }

  static asio::awaitable<TlsTransferred> write(Self self, Bytes bytes) {
    std::error_code error;
    std::size_t sent = 0;
    while (!error && sent == 0 && !bytes.empty()) {
      if (self->pipe_.early_room() == 0) error = co_await self->handshake();
      if (!error) error = co_await self->begin_writing();
      if (error) break;
      // What was sent early may have to go out again before anything else does.
      const bool must_wait = self->shaking_hands_ && self->pipe_.early_room() == 0;
      if (!must_wait && self->session().is_closed())
        error = self->session().error() ? self->failure_code()
                                        : std::make_error_code(std::errc::broken_pipe);
      if (!error && !must_wait) {
        sent = self->begin_write(bytes);
        error = co_await self->write_gathered();
      }
      self->end_writing();
    }
    co_return TlsTransferred{error, error ? 0 : sent};
  }

  static asio::awaitable<std::error_code> shut_down(Self self) {
    if (!self->session().error()) self->session().close();
    std::error_code error = co_await self->finish_writing();
    if (!error) self->lower_.shutdown(asio::socket_base::shutdown_send, error);
    co_return error;
  }

  static asio::awaitable<void> close(Self self) {
    self->lower_.expires_after(close_limit);
    if (!self->session().error()) self->session().close();
    co_await self->finish_writing();
    self->lower_.close();
  }

 private:
  static constexpr Duration close_limit = 2s;
  using Steps::changed_;
  using Steps::failure_code;
  using Steps::lower_;
  using Steps::pipe_;
  using Steps::shaking_hands_;
  using Steps::write_error_;
  using Steps::writing_;

  /// One coroutine does it; others that need it wait for that one.
  asio::awaitable<std::error_code> handshake() {
    while (shaking_hands_) co_await wait_for_change();
    if (pipe_.is_ready()) co_return std::error_code{};
    shaking_hands_ = true;
    std::error_code error = co_await flush();
    while (!error && !pipe_.is_ready()) error = co_await advance();
    if (!error) error = co_await flush();
    if (!error) error = co_await send_rejected();
    shaking_hands_ = false;
    changed_.cancel();
    co_return error;
  }

  /// Early data that the server did not take goes out again, ahead of all else.
  asio::awaitable<std::error_code> send_rejected() {
    const auto early = pipe_.take_rejected();
    if (!early) co_return early.error();
    std::error_code error;
    for (Bytes left = *early; !left.empty() && !error && !session().is_closed();) {
      error = co_await begin_writing();
      if (error) break;
      left = left.subspan(pipe_.gather(left));
      error = co_await write_gathered();
      end_writing();
    }
    co_return error;
  }

  /// Gives the session what came, or reads more; sends what it has to say about it.
  asio::awaitable<std::error_code> advance() {
    std::error_code error = ending();
    if (error) co_return error;
    const bool moved = feed();
    error = co_await flush();
    if (session().error()) error = failure_code();
    if (!moved && !error) error = co_await fill();
    co_return error;
  }

  asio::awaitable<std::error_code> fill() {
    std::error_code error;
    if (pipe_.release_if_empty()) {
      co_await lower_.async_wait(asio::socket_base::wait_read,
                                 asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return came(error, 0);
    }
    const MutBytes space = pipe_.space();
    const std::size_t n = co_await lower_.async_read_some(
        asio::buffer(space.data(), space.size()), asio::redirect_error(asio::use_awaitable, error));
    co_return came(error, n);
  }

  /// Sends what the session has to say, unless somebody writes already, who will.
  asio::awaitable<std::error_code> flush() {
    if (writing_ || !session().has_output()) co_return std::error_code{};
    co_return co_await finish_writing();
  }

  /// The same, and waits for who writes already.
  asio::awaitable<std::error_code> finish_writing() {
    std::error_code error = co_await begin_writing();
    if (error) co_return error;
    static_cast<void>(pipe_.gather({}));
    error = co_await write_gathered();
    end_writing();
    co_return error;
  }

  asio::awaitable<std::error_code> begin_writing() {
    while (writing_) co_await wait_for_change();
    if (write_error_) co_return write_error_;
    writing_ = true;
    co_return std::error_code{};
  }

  /// Writes what was gathered, and what the session has to say meanwhile.
  asio::awaitable<std::error_code> write_gathered() {
    while (is_writing_more()) {
      const Bytes records = pipe_.gathered();
      std::error_code error;
      const std::size_t n =
          co_await lower_.async_write_some(asio::buffer(records.data(), records.size()),
                                           asio::redirect_error(asio::use_awaitable, error));
      static_cast<void>(went(error, n));
    }
    co_return write_error_;
  }

  asio::awaitable<void> wait_for_change() {
    std::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
};

}  // namespace handfast::io::detail
