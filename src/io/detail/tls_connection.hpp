// A TLS session on a stream: who reads, who writes, and in which order.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "io/detail/tls_pipe.hpp"
#include "io/kernel_stream.hpp"
#include "io/stream_trace.hpp"
#include "io/tls_context.hpp"

namespace handfast::io::detail {

struct TlsTransferred {
  std::error_code error{};
  std::size_t bytes = 0;
};

/// Its coroutines hold it, so that it outlives its stream as long as something is under way.
template <class Lower>
class TlsConnection {
  using Self = std::shared_ptr<TlsConnection>;

 public:
  TlsConnection(Lower lower, TlsContext& context, std::string_view server_name)
      : lower_(std::move(lower)),
        context_(context),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        pipe_(context, server_name, trace_.get()),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsConnection(Lower lower, TlsContext& context)
      : lower_(std::move(lower)),
        context_(context),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        pipe_(context, trace_.get()),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  Lower& lower() { return lower_; }
  tls::Session& session() { return pipe_.session(); }
  void cancel() {
    lower_.cancel();
    changed_.cancel();
  }

  static asio::awaitable<std::error_code> shake_hands(Self self) {
    co_return co_await self->handshake();
  }

  static asio::awaitable<TlsTransferred> read(Self self, MutBytes room) {
    std::error_code error = co_await self->handshake();
    while (!error) {
      const Bytes plaintext = self->session().plaintext();
      if (!plaintext.empty() || room.empty()) {
        const std::size_t n = std::min(plaintext.size(), room.size());
        std::copy_n(plaintext.begin(), n, room.begin());
        self->session().consume(to<u32>(n));
        co_return TlsTransferred{{}, n};
      }
      error = co_await self->advance();
    }
    co_return TlsTransferred{error, 0};
  }

  /// Until a read would not wait: plaintext is there, the end or an error.
  static asio::awaitable<std::error_code> wait(Self self) {
    std::error_code error = co_await self->handshake();
    while (!error && self->session().plaintext().empty()) error = co_await self->advance();
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
        sent = self->pipe_.gather(bytes);
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
    if (session().error()) co_return failure_code();
    if (session().has_peer_closed()) co_return asio::error::eof;
    const bool moved = feed();
    std::error_code error = co_await flush();
    if (session().error()) error = failure_code();
    if (!moved && !error) error = co_await fill();
    co_return error;
  }

  bool feed() {
    const bool moved = pipe_.feed();
    if (session().error() && !std::exchange(is_failure_told_, true) && context_.on_failure)
      context_.on_failure(lower_.remote_endpoint(), *session().error());
    return moved;
  }

  asio::awaitable<std::error_code> fill() {
    const MutBytes space = pipe_.space();
    std::error_code error;
    const std::size_t n = co_await lower_.async_read_some(
        asio::buffer(space.data(), space.size()), asio::redirect_error(asio::use_awaitable, error));
    pipe_.came(n);
    error = outcome(lower_, error);
    if (error == asio::error::eof && session().end_of_input() == tls::Ending::truncated)
      error = TlsErrc::truncated;
    co_return error;
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
  void end_writing() {
    writing_ = false;
    changed_.cancel();
  }

  /// Writes what was gathered, and what the session has to say meanwhile.
  asio::awaitable<std::error_code> write_gathered() {
    while (!pipe_.gathered().empty() && !write_error_) {
      const Bytes records = pipe_.gathered();
      std::error_code error;
      co_await asio::async_write(lower_, asio::buffer(records.data(), records.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
      // Part of a record may be out: nothing can follow it.
      write_error_ = outcome(lower_, error);
      pipe_.written();
      if (session().has_output()) static_cast<void>(pipe_.gather({}));
    }
    co_return write_error_;
  }

  asio::awaitable<void> wait_for_change() {
    std::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  std::error_code failure_code() {
    return session().error()->from_peer ? TlsErrc::refused : TlsErrc::failed;
  }

  Lower lower_;
  TlsContext& context_;
  std::unique_ptr<StreamTrace> trace_;
  TlsPipe pipe_;
  asio::steady_timer changed_;  // never expires: cancelled when somebody may go on
  std::error_code write_error_;
  bool shaking_hands_ = false;
  bool writing_ = false;
  bool is_failure_told_ = false;
};

}  // namespace handfast::io::detail
