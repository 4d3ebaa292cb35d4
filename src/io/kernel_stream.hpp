// The kernel's TCP with the verbs of TcpStream and TcpListener: what is written for those, such as
// the HTTP server and client, runs over either.
#pragma once

#include <memory>
#include <utility>

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "io/endpoint.hpp"

namespace handfast::io {

/// Asio's category for the system's errors does not compare with std::errc; the standard's does.
/// operation_aborted stays what everybody compares with.
inline std::error_code standard(std::error_code error) {
  if (error.category() != asio::error::get_system_category()) return error;
  if (error == asio::error::operation_aborted) return error;
  return {error.value(), std::system_category()};
}

class KernelStream {
 public:
  using executor_type = asio::any_io_executor;

  explicit KernelStream(const executor_type& executor)
      : state_(std::make_shared<State>(asio::ip::tcp::socket(executor))) {}
  explicit KernelStream(asio::ip::tcp::socket socket)
      : state_(std::make_shared<State>(std::move(socket))) {}

  executor_type get_executor() const { return state_->socket.get_executor(); }
  asio::ip::tcp::socket& socket() { return state_->socket; }

  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_connect(const wire::Endpoint& remote, Token&& token = {}) {
    arm_again();
    return state_->socket.async_connect(to_asio(remote), std::forward<Token>(token));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_read_some(const Buffers& buffers, Token&& token = {}) {
    arm_again();
    return state_->socket.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_write_some(const Buffers& buffers, Token&& token = {}) {
    arm_again();
    return state_->socket.async_write_some(buffers, std::forward<Token>(token));
  }
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_wait(asio::socket_base::wait_type what, Token&& token = {}) {
    arm_again();
    return state_->socket.async_wait(what, std::forward<Token>(token));
  }

  /// Writes what goes without waiting, on a socket that was accepted; 0 without an error: nothing.
  std::size_t write_now(Bytes bytes, std::error_code& error) {
    if (!state_->socket.non_blocking()) return 0;
    const auto n = state_->socket.send(asio::buffer(bytes.data(), bytes.size()), 0, error);
    if (error == asio::error::would_block || error == asio::error::try_again) error.clear();
    error = standard(error);
    return n;
  }

  void shutdown(asio::socket_base::shutdown_type what, std::error_code& error) {
    state_->socket.shutdown(what, error);
  }
  void close() {
    std::error_code ignored;
    state_->socket.close(ignored);
  }
  /// Closes with RST: nobody takes a part for the whole.
  void abort() {
    std::error_code ignored;
    state_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }
  void cancel() {
    std::error_code ignored;
    state_->socket.cancel(ignored);
  }
  bool is_open() const { return state_->socket.is_open(); }
  wire::Endpoint local_endpoint() const {
    std::error_code error;
    const auto endpoint = state_->socket.local_endpoint(error);
    return error ? wire::Endpoint{} : from_asio(endpoint);
  }
  wire::Endpoint remote_endpoint() const {
    std::error_code error;
    const auto endpoint = state_->socket.remote_endpoint(error);
    return error ? wire::Endpoint{} : from_asio(endpoint);
  }

  /// What waits `limit` from now, or is started later, is cancelled. A socket cannot say why, so
  /// ask outcome().
  void expires_after(Duration limit) {
    State& state = *state_;
    state.expired = false;
    state.deadline = std::chrono::steady_clock::now() + limit;
    // A timer that fires too early is set again: so a limit that moves on costs a reading of the
    // clock.
    if (!state.is_armed || state.timer.expiry() > state.deadline) arm(state_);
  }
  void expires_never() {
    state_->expired = false;
    state_->deadline = asio::steady_timer::time_point::max();
  }
  /// `error`, comparable with std::errc; timed_out where that was why the operation was aborted.
  std::error_code outcome(std::error_code error) const {
    if (error == asio::error::operation_aborted && state_->expired)
      return std::make_error_code(std::errc::timed_out);
    return standard(error);
  }

 private:
  /// The limit passed while nothing waited: what is started now has none of its time left.
  void arm_again() {
    if (state_->expired) expires_after(Duration{});
  }

  struct State;
  static void arm(const std::shared_ptr<State>& state) {
    state->is_armed = true;
    state->timer.expires_at(state->deadline);
    state->timer.async_wait([weak = std::weak_ptr(state)](std::error_code error) {
      const auto kept = weak.lock();
      if (error || !kept) return;
      kept->is_armed = false;
      if (kept->deadline == asio::steady_timer::time_point::max()) return;
      if (kept->deadline > std::chrono::steady_clock::now()) return arm(kept);
      kept->expired = true;
      std::error_code ignored;
      kept->socket.cancel(ignored);
    });
  }

  struct State {
    explicit State(asio::ip::tcp::socket of) : socket(std::move(of)), timer(socket.get_executor()) {
      std::error_code ignored;
      if (!socket.is_open()) return;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      socket.non_blocking(true, ignored);
    }
    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
    asio::steady_timer::time_point deadline = asio::steady_timer::time_point::max();
    bool is_armed = false;
    bool expired = false;
  };
  std::shared_ptr<State> state_;
};

/// What an operation of `stream` that gave `error` came to: see KernelStream::outcome().
template <class Stream>
std::error_code outcome(const Stream& stream, std::error_code error) {
  if constexpr (requires { stream.outcome(error); }) return stream.outcome(error);
  return error;
}

class KernelListener {
 public:
  using executor_type = asio::any_io_executor;

  explicit KernelListener(const executor_type& executor) : acceptor_(executor) {}

  /// An IPv6 listener takes no IPv4: two sockets do that, as in TcpListener.
  [[nodiscard]] std::error_code listen(const wire::Endpoint& local) {
    const asio::ip::tcp::endpoint endpoint = to_asio(local);
    std::error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    return standard(error);
  }

  /// Signature: void(std::error_code, asio::ip::tcp::socket).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_accept(Token&& token = {}) {
    return acceptor_.async_accept(std::forward<Token>(token));
  }
  void close() {
    std::error_code ignored;
    acceptor_.close(ignored);
  }
  wire::Endpoint local_endpoint() const {
    std::error_code error;
    const auto endpoint = acceptor_.local_endpoint(error);
    return error ? wire::Endpoint{} : from_asio(endpoint);
  }
  executor_type get_executor() { return acceptor_.get_executor(); }

 private:
  asio::ip::tcp::acceptor acceptor_;
};

}  // namespace handfast::io
