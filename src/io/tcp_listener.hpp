// Waits for connections, as asio::ip::tcp::acceptor does on a kernel's socket.
#pragma once

#include <memory>
#include <system_error>

#include <asio/async_result.hpp>

#include "io/detail/listen_socket.hpp"
#include "io/stack.hpp"
#include "io/tcp_stream.hpp"

namespace handfast::io {

class TcpListener {
 public:
  using executor_type = asio::any_io_executor;
  static constexpr u32 backlog_default = 128;  // finished handshakes that wait for async_accept

  /// Does not listen yet.
  explicit TcpListener(Stack& stack)
      : socket_(std::make_unique<detail::ListenSocket>(stack.core())) {}
  /// Listens; throws std::system_error where listen() fails.
  TcpListener(Stack& stack, const wire::Endpoint& local, u32 backlog = backlog_default)
      : TcpListener(stack) {
    if (const std::error_code error = listen(local, backlog))
      throw std::system_error(error, "cannot listen on " + wire::to_string(local));
  }

  /// An unspecified address takes every address of its family; port 0 picks one. Fails with
  /// address_in_use, …
  [[nodiscard]] std::error_code listen(const wire::Endpoint& local, u32 backlog = backlog_default) {
    return socket_->listen(local, backlog);
  }

  /// Gives the next connection whose handshake is finished.
  /// Signature: void(std::error_code, TcpStream).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_accept(Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code, TcpStream)>(
        [](auto&& handler, detail::ListenSocket* socket) {
          socket->wait(detail::make_operation<detail::AcceptOperation>(
              std::forward<decltype(handler)>(handler), socket->core().executor(),
              socket->shared_core()));
        },
        token, socket_.get());
  }

  /// What waits completes with operation_aborted.
  void cancel() { socket_->cancel(); }
  /// The same, and connections that nobody accepted are reset.
  void close() { socket_->close(); }
  bool is_open() const { return socket_->is_open(); }
  const wire::Endpoint& local_endpoint() const { return socket_->local(); }
  executor_type get_executor() const { return socket_->core().executor(); }

 private:
  std::unique_ptr<detail::ListenSocket> socket_;
};

}  // namespace handfast::io
