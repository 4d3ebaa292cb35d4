// A TCP connection as Asio's AsyncReadStream and AsyncWriteStream: asio::async_read, ssl::stream
// and what else is written for those run on it. A moved-from stream may only be assigned to.
#pragma once

#include <memory>
#include <system_error>
#include <utility>

#include <asio/async_result.hpp>
#include <asio/socket_base.hpp>

#include "io/detail/tcp_socket.hpp"
#include "io/stack.hpp"

namespace handfast::io {

class TcpStream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = TcpStream;

  /// A stream that is not connected yet.
  explicit TcpStream(Stack& stack) : TcpStream(stack.core()) {}
  explicit TcpStream(std::shared_ptr<detail::Core> core)
      : socket_(std::make_unique<detail::TcpSocket>(std::move(core))) {}
  /// For TcpListener.
  explicit TcpStream(std::unique_ptr<detail::TcpSocket> socket) : socket_(std::move(socket)) {}
  TcpStream(TcpStream&&) noexcept = default;
  TcpStream& operator=(TcpStream&&) noexcept = default;
  /// As close().
  ~TcpStream() = default;

  executor_type get_executor() const { return socket_->core().executor(); }
  lowest_layer_type& lowest_layer() { return *this; }
  const lowest_layer_type& lowest_layer() const { return *this; }

  /// Opens a connection to `remote`. `local` may leave out the address, the port or both. Fails
  /// with connection_refused, timed_out, host_unreachable, network_unreachable, address_in_use, …;
  /// then the stream can connect again. Cancelled or out of time, the attempt is given up.
  /// Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_connect(const wire::Endpoint& remote, Token&& token = {}) {
    return async_connect(remote, wire::Endpoint{}, std::forward<Token>(token));
  }
  template <class Token>
  auto async_connect(const wire::Endpoint& remote, const wire::Endpoint& local, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [](auto&& handler, detail::TcpSocket* socket, wire::Endpoint to, wire::Endpoint from) {
          using Handler = decltype(handler);
          const auto& executor = socket->core().executor();
          if (const std::error_code error = socket->connect(to, from))
            return detail::post_outcome(std::forward<Handler>(handler), executor,
                                        std::tuple(error));
          socket->wait(detail::make_operation<detail::ConnectOperation>(
              std::forward<Handler>(handler), executor, *socket));
          socket->core().settle();
        },
        token, socket_.get(), remote, local);
  }

  /// Reads what is there, at least one byte; fails with asio::error::eof after the peer's FIN.
  /// Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_read_some(const Buffers& buffers, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        Transfer<detail::ReadOperation>{}, token, socket_.get(),
        detail::pieces_of<detail::ReadPieces>(buffers));
  }

  /// Queues as much as the send buffer has room for, at least one byte; completion does not mean
  /// that the peer has it. Fails with broken_pipe after shutdown().
  /// Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_write_some(const Buffers& buffers, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        Transfer<detail::WriteOperation>{}, token, socket_.get(),
        detail::pieces_of<detail::WritePieces>(buffers));
  }

  /// Waits until received() has something (wait_read) or send_space() has room (wait_write); fails
  /// as a read or write would. Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_wait(asio::socket_base::wait_type what, Token&& token = {}) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [](auto&& handler, detail::TcpSocket* socket, bool writing) {
          using Handler = decltype(handler);
          if (writing)
            start<detail::WaitFor<detail::WriteOperation>>(std::forward<Handler>(handler), socket,
                                                           detail::WritePieces{});
          else
            start<detail::WaitFor<detail::ReadOperation>>(std::forward<Handler>(handler), socket,
                                                          detail::ReadPieces{});
        },
        token, socket_.get(), what == asio::socket_base::wait_write);
  }

  // Without a copy: straight in the connection's rings. Both views end with the next call into the
  // stack, so use them before any co_await.
  /// The first contiguous piece of what came.
  Bytes received() const {
    const tcp::Connection* open = socket_->connection();
    return open != nullptr ? open->received() : Bytes{};
  }
  /// Takes the first `n` bytes of received().
  void consume(u32 n) { socket_->consume(n); }
  /// Contiguous room for up to `wanted` bytes that are to be sent; empty when there is none now.
  MutBytes send_space(u32 wanted) {
    tcp::Connection* open = socket_->connection();
    return open != nullptr ? open->send_space(wanted) : MutBytes{};
  }
  /// Sends the first `n` bytes of send_space(). `more`: hold a part segment for what follows.
  void send(u32 n, bool more = false) {
    socket_->core().tick();
    if (tcp::Connection* open = socket_->connection()) open->send(n, more);
    socket_->changed();
  }

  /// shutdown_send: what is queued goes first, then FIN; reading goes on (RFC 9293 §3.10.4).
  /// shutdown_receive: reads give eof from now on, whatever still comes.
  void shutdown(asio::socket_base::shutdown_type what, std::error_code& error) {
    using asio::socket_base;
    error = socket_->shut_down(what != socket_base::shutdown_send,
                               what != socket_base::shutdown_receive);
  }
  void shutdown(asio::socket_base::shutdown_type what) {
    std::error_code error;
    shutdown(what, error);
    if (error) throw std::system_error(error, "shutdown");
  }
  /// What waits completes with operation_aborted. The connection finishes on its own: queued data
  /// and FIN still go; data that nobody read, or that comes later, is answered by RST.
  void close() { socket_->close(); }
  void close(std::error_code& error) {
    error.clear();
    close();
  }
  /// The same, but at once: RST to the peer, and what is queued is gone (RFC 9293 §3.10.5).
  void abort() { socket_->abort(); }
  /// What waits completes with operation_aborted; the connection stays.
  void cancel() { socket_->cancel(); }
  void cancel(std::error_code& error) {
    error.clear();
    cancel();
  }

  /// Whether connect has begun or a listener gave this, and close() was not called.
  bool is_open() const { return socket_->is_open(); }
  /// Unspecified before connect has begun; afterwards kept even if the connection is gone.
  wire::Endpoint local_endpoint() const { return socket_->flow().local; }
  wire::Endpoint remote_endpoint() const { return socket_->flow().remote; }
  /// RTT, window, state, …; null when there is no connection. Valid until the next call.
  const tcp::Connection* connection() const { return socket_->connection(); }

  /// Chooses anew for this connection: `choose` gets its tcp::Settings to alter.
  template <class Choose>
  void change(Choose choose) {
    if (tcp::Connection* open = socket_->connection()) {
      tcp::Settings wanted = open->settings();
      choose(wanted);
      open->change(wanted, socket_->core().tick());
    }
    socket_->changed();
  }
  void set_no_delay(bool on) {
    change([on](tcp::Settings& settings) { settings.no_delay = on; });
  }
  void set_keepalive(bool on) {
    change([on](tcp::Settings& settings) { settings.keepalive = on; });
  }

  /// A limit in the stack's time: what waits `limit` from now, whenever it was started, completes
  /// with std::errc::timed_out. The stream stays usable and nothing of it is lost, except that an
  /// unfinished connect is given up. Set it anew before each logical operation.
  void expires_after(Duration limit) { socket_->expires_at(after(socket_->core().tick(), limit)); }
  void expires_never() { socket_->expires_at(never); }

 private:
  template <class Operation, class Handler, class Pieces>
  static void start(Handler&& handler, detail::TcpSocket* socket, const Pieces& pieces) {
    detail::Core& core = socket->core();
    core.tick();
    std::error_code error;
    std::size_t bytes = 0;
    if (socket->try_now(pieces, error, bytes)) {
      detail::post_outcome(std::forward<Handler>(handler), core.executor(),
                           Operation::outcome(error, bytes));
      if (bytes > 0) core.settle();
      return;
    }
    socket->wait(
        detail::make_operation<Operation>(std::forward<Handler>(handler), core.executor(), pieces));
    if (socket->connection() != nullptr && socket->connection()->is_starved()) core.settle();
  }

  template <class Operation>
  struct Transfer {
    template <class Handler>
    void operator()(Handler&& handler, detail::TcpSocket* socket,
                    const typename Operation::Pieces& pieces) const {
      if (pieces.count == 0)
        return detail::post_outcome(std::forward<Handler>(handler), socket->core().executor(),
                                    detail::Transferred{});
      start<Operation>(std::forward<Handler>(handler), socket, pieces);
    }
  };

  std::unique_ptr<detail::TcpSocket> socket_;
};

namespace detail {

/// Waits for the handshake of a stream that it keeps meanwhile.
class OpenOperation : public ConnectOperation {
 public:
  explicit OpenOperation(std::unique_ptr<TcpSocket> socket)
      : ConnectOperation(*socket), socket_(std::move(socket)) {}
  using Outcome = std::tuple<std::error_code, TcpStream>;
  Outcome outcome(std::error_code error, std::size_t) {
    return {error, TcpStream(std::move(socket_))};
  }

 protected:
  ~OpenOperation() = default;

 private:
  std::unique_ptr<TcpSocket> socket_;
};

}  // namespace detail

/// Opens a connection to `remote` on a stream of its own.
/// Signature: void(std::error_code, TcpStream).
template <class Token = asio::default_completion_token_t<TcpStream::executor_type>>
auto async_connect(Stack& stack, const wire::Endpoint& remote, Token&& token = {}) {
  return asio::async_initiate<Token, void(std::error_code, TcpStream)>(
      [](auto&& handler, std::shared_ptr<detail::Core> core, wire::Endpoint to) {
        using Handler = decltype(handler);
        auto socket = std::make_unique<detail::TcpSocket>(core);
        if (const std::error_code error = socket->connect(to, {}))
          return detail::post_outcome(std::forward<Handler>(handler), core->executor(),
                                      std::tuple(error, TcpStream(std::move(socket))));
        detail::TcpSocket& opening = *socket;
        opening.wait(detail::make_operation<detail::OpenOperation>(
            std::forward<Handler>(handler), core->executor(), std::move(socket)));
        core->settle();
      },
      token, stack.core(), remote);
}

}  // namespace handfast::io
