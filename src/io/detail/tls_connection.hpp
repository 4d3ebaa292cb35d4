// A TLS session on a stream: who reads, who writes, and in which order.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

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
        server_name_(server_name),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        session_(tls::Session::client(context.config, server_name, context.random(),
                                      context.tickets.take(server_name, context.clock()),
                                      context.clock(), trace_.get())),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsConnection(Lower lower, TlsContext& context)
      : lower_(std::move(lower)),
        context_(context),
        trace_(trace_stream(context.trace, context.clock, lower_)),
        session_(tls::Session::server(context.config, context.random(), trace_.get())),
        changed_(lower_.get_executor(), asio::steady_timer::time_point::max()) {}
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  Lower& lower() { return lower_; }
  tls::Session& session() { return session_; }
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
      const Bytes plaintext = self->session_.plaintext();
      if (!plaintext.empty() || room.empty()) {
        const std::size_t n = std::min(plaintext.size(), room.size());
        std::copy_n(plaintext.begin(), n, room.begin());
        self->session_.consume(to<u32>(n));
        co_return TlsTransferred{{}, n};
      }
      error = co_await self->advance();
    }
    co_return TlsTransferred{error, 0};
  }

  /// Until a read would not wait: plaintext is there, the end or an error.
  static asio::awaitable<std::error_code> wait(Self self) {
    std::error_code error = co_await self->handshake();
    while (!error && self->session_.plaintext().empty()) error = co_await self->advance();
    co_return error == asio::error::eof ? std::error_code{} : error;
  }

  static asio::awaitable<TlsTransferred> write(Self self, Bytes bytes) {
    std::error_code error = co_await self->handshake();
    std::size_t sent = 0;
    while (!error && sent == 0 && !bytes.empty()) {
      error = co_await self->begin_writing();
      if (error) break;
      if (self->session_.is_closed())
        error = self->session_.error() ? self->failure_code()
                                       : std::make_error_code(std::errc::broken_pipe);
      if (!error) {
        sent = self->gather(bytes);
        error = co_await self->write_gathered();
      }
      self->end_writing();
    }
    co_return TlsTransferred{error, error ? 0 : sent};
  }

  static asio::awaitable<std::error_code> shut_down(Self self) {
    if (!self->session_.error()) self->session_.close();
    std::error_code error = co_await self->finish_writing();
    if (!error) self->lower_.shutdown(asio::socket_base::shutdown_send, error);
    co_return error;
  }

  static asio::awaitable<void> close(Self self) {
    self->lower_.expires_after(close_limit);
    if (!self->session_.error()) self->session_.close();
    co_await self->finish_writing();
    self->lower_.close();
  }

 private:
  static constexpr Duration close_limit = 2s;
  static constexpr u32 read_bytes = 2 * tls::record_size_max;
  static constexpr u32 write_bytes = 4 * (tls::fragment_max + tls::record_overhead_max);

  /// One coroutine does it; others that need it wait for that one.
  asio::awaitable<std::error_code> handshake() {
    while (shaking_hands_) co_await wait_for_change();
    if (session_.is_connected()) co_return std::error_code{};
    shaking_hands_ = true;
    std::error_code error = co_await flush();
    while (!error && !session_.is_connected()) error = co_await advance();
    if (!error) error = co_await flush();
    shaking_hands_ = false;
    changed_.cancel();
    co_return error;
  }

  /// Gives the session what came, or reads more; sends what it has to say about it.
  asio::awaitable<std::error_code> advance() {
    if (session_.error()) co_return failure_code();
    if (session_.has_peer_closed()) co_return asio::error::eof;
    const bool moved = feed();
    std::error_code error = co_await flush();
    if (session_.error()) error = failure_code();
    if (!moved && !error) error = co_await fill();
    co_return error;
  }

  /// True where the session took something, or has something to give.
  bool feed() {
    const auto taken =
        session_.feed(MutBytes(input_).first(end_).subspan(begin_), context_.clock());
    if (taken) begin_ += *taken;
    context_.answer(session_, server_name_);
    if (session_.error() && !std::exchange(is_failure_told_, true) && context_.on_failure)
      context_.on_failure(lower_.remote_endpoint(), *session_.error());
    return taken.value_or(0) > 0;
  }

  asio::awaitable<std::error_code> fill() {
    std::copy(input_.begin() + begin_, input_.begin() + end_, input_.begin());
    end_ -= std::exchange(begin_, 0);
    input_.resize(read_bytes);
    std::error_code error;
    const std::size_t n =
        co_await lower_.async_read_some(asio::buffer(input_.data() + end_, input_.size() - end_),
                                        asio::redirect_error(asio::use_awaitable, error));
    end_ += to<u32>(n);
    error = outcome(lower_, error);
    if (error == asio::error::eof && session_.end_of_input() == tls::Ending::truncated)
      error = TlsErrc::truncated;
    co_return error;
  }

  /// Sends what the session has to say, unless somebody writes already, who will.
  asio::awaitable<std::error_code> flush() {
    if (writing_ || !session_.has_output()) co_return std::error_code{};
    co_return co_await finish_writing();
  }

  /// The same, and waits for who writes already.
  asio::awaitable<std::error_code> finish_writing() {
    std::error_code error = co_await begin_writing();
    if (error) co_return error;
    static_cast<void>(gather({}));
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

  /// Puts the session's own records and then those of `bytes` into output_; returns how many of
  /// `bytes` are in it.
  std::size_t gather(Bytes bytes) {
    output_.resize(write_bytes);
    output_end_ = session_.take(output_);
    if (bytes.empty() || session_.has_output()) return 0;
    const auto sealed = session_.seal(bytes, MutBytes(output_).subspan(output_end_));
    output_end_ += sealed.written;
    return sealed.taken;
  }

  /// Writes what was gathered, and what the session has to say meanwhile.
  asio::awaitable<std::error_code> write_gathered() {
    while (output_end_ > 0 && !write_error_) {
      std::error_code error;
      co_await asio::async_write(lower_, asio::buffer(output_.data(), output_end_),
                                 asio::redirect_error(asio::use_awaitable, error));
      // Part of a record may be out: nothing can follow it.
      write_error_ = outcome(lower_, error);
      output_end_ = 0;
      if (session_.has_output()) static_cast<void>(gather({}));
    }
    co_return write_error_;
  }

  asio::awaitable<void> wait_for_change() {
    std::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  std::error_code failure_code() const {
    return session_.error()->from_peer ? TlsErrc::refused : TlsErrc::failed;
  }

  Lower lower_;
  TlsContext& context_;
  std::string server_name_;
  std::unique_ptr<StreamTrace> trace_;
  tls::Session session_;
  asio::steady_timer changed_;  // never expires: cancelled when somebody may go on

  std::vector<u8> input_;  // what came is [begin_, end_)
  u32 begin_ = 0;
  u32 end_ = 0;
  std::vector<u8> output_;
  u32 output_end_ = 0;
  std::error_code write_error_;
  bool shaking_hands_ = false;
  bool writing_ = false;
  bool is_failure_told_ = false;
};

}  // namespace handfast::io::detail
