// Datagrams, with the verbs of asio::ip::udp::socket.
#pragma once

#include <memory>
#include <system_error>

#include <asio/async_result.hpp>

#include "io/detail/datagram_socket.hpp"
#include "io/stack.hpp"

namespace handfast::io {

class UdpSocket {
 public:
  using executor_type = asio::any_io_executor;

  /// Not open yet.
  explicit UdpSocket(Stack& stack)
      : socket_(std::make_unique<detail::DatagramSocket>(stack.core())) {}
  /// Bound to `local`; throws std::system_error where open() fails.
  UdpSocket(Stack& stack, const wire::Endpoint& local) : UdpSocket(stack) {
    if (const std::error_code error = open(local))
      throw std::system_error(error, "cannot open UDP on " + wire::to_string(local));
  }

  /// An unspecified address takes every address of its family; port 0 picks one. Fails with
  /// address_in_use, …
  [[nodiscard]] std::error_code open(const wire::Endpoint& local) { return socket_->open(local); }
  /// Takes datagrams for a multicast group too.
  [[nodiscard]] std::error_code join(const wire::IpAddress& group, host::Interface on = 0) {
    return socket_->join(group, on);
  }
  /// On: an ICMP error about something that was sent completes a receive, with the destination in
  /// its endpoint. Off (the default, as a kernel's unconnected socket): such errors are ignored.
  void report_errors(bool on) { socket_->report_errors(on); }

  /// Sends one datagram of all the buffers (at most 8). Completion does not mean that it arrived,
  /// nor that it has left. Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_send_to(const Buffers& buffers, const wire::Endpoint& to, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        [](auto&& handler, detail::DatagramSocket* socket, const detail::WritePieces& from,
           const wire::Endpoint& destination) {
          const std::error_code error = socket->send(from, destination);
          detail::post_outcome(std::forward<decltype(handler)>(handler), socket->core().executor(),
                               std::tuple(error, error ? 0 : from.size()));
        },
        token, socket_.get(), detail::pieces_of<detail::WritePieces>(buffers), to);
  }

  /// Receives one datagram; what does not fit in the buffers is dropped. `source` must live until
  /// completion. Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_receive_from(const Buffers& buffers, wire::Endpoint& source, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        [](auto&& handler, detail::DatagramSocket* socket, const detail::ReadPieces& into,
           wire::Endpoint* sender) {
          socket->wait(detail::make_operation<detail::ReceiveOperation>(
              std::forward<decltype(handler)>(handler), socket->core().executor(), into, *sender));
        },
        token, socket_.get(), detail::pieces_of<detail::ReadPieces>(buffers), &source);
  }

  /// What waits completes with operation_aborted.
  void cancel() { socket_->cancel(); }
  void close() { socket_->close(); }
  bool is_open() const { return socket_->is_open(); }
  wire::Endpoint local_endpoint() const { return socket_->local(); }
  executor_type get_executor() const { return socket_->core().executor(); }

 private:
  std::unique_ptr<detail::DatagramSocket> socket_;
};

}  // namespace handfast::io
