// TLS over any stream with TcpStream's verbs (TcpStream, KernelStream), and with those verbs
// itself. The handshake runs with the first read or write, or on its own by async_handshake().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/async_result.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/socket_base.hpp>

#include "base/assert.hpp"
#include "io/detail/tls_connection.hpp"
#include "io/detail/tls_operations.hpp"
#include "io/tls_context.hpp"

namespace handfast::io {

template <class Lower>
class TlsStream {
 public:
  using executor_type = asio::any_io_executor;
  using lower_type = Lower;

  /// A client on `lower`, which is connected; `server_name` is whom the certificate must name.
  TlsStream(Lower lower, TlsContext& context, std::string_view server_name)
      : connection_(std::make_shared<Connection>(std::move(lower), context, server_name)) {}
  /// A server on `lower`, which was accepted.
  TlsStream(Lower lower, TlsContext& context)
      : connection_(std::make_shared<Connection>(std::move(lower), context)) {}

  executor_type get_executor() const { return connection_->lower().get_executor(); }

  /// Both ends have agreed on keys, and the peer's certificate was accepted. A server that takes
  /// early data is so far with its own first flight.
  /// Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_handshake(Token&& token = {}) {
    return start<void(std::error_code)>(
        std::forward<Token>(token), [](std::shared_ptr<Connection> it, auto handler) {
          detail::TlsOperation operation(it, std::move(handler));
          operation.go_on_as(Connection::shake_hands(std::move(it)));
        });
  }
  /// Reads what is there, at least one byte; fails with asio::error::eof after the peer's
  /// close_notify and with TlsErrc::truncated where the stream ends without. One at a time.
  /// Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_read_some(const Buffers& buffers, Token&& token = {}) {
    const MutBytes room = first<asio::mutable_buffer, MutBytes>(buffers);
    return start<void(std::error_code, std::size_t)>(
        std::forward<Token>(token), [room](std::shared_ptr<Connection> it, auto handler) {
          detail::TlsRead(std::move(it), std::move(handler), room).begin();
        });
  }
  /// Sends at least one byte, in records. Fails with broken_pipe after shutdown(). One at a time;
  /// a read may be under way. Where session().early_room() says so, the first bytes go out with the
  /// ClientHello, which somebody may copy: write there what may happen twice. What the server does
  /// not take is sent again. Signature: void(std::error_code, std::size_t).
  template <class Buffers, class Token = asio::default_completion_token_t<executor_type>>
  auto async_write_some(const Buffers& buffers, Token&& token = {}) {
    const Bytes bytes = first<asio::const_buffer, Bytes>(buffers);
    return start<void(std::error_code, std::size_t)>(
        std::forward<Token>(token), [bytes](std::shared_ptr<Connection> it, auto handler) {
          detail::TlsWrite(std::move(it), std::move(handler), bytes).begin();
        });
  }
  /// Writes what goes without waiting; 0 without an error: the same bytes have to be written by
  /// async_write_some(), for they may be sealed already.
  std::size_t write_now(Bytes bytes, std::error_code& error)
    requires requires(Lower& below) { below.write_now(bytes, error); }
  {
    return connection_->write_now(bytes, error);
  }
  /// Waits until a read would not have to, and holds no buffer meanwhile. wait_read only.
  /// Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_wait(asio::socket_base::wait_type what, Token&& token = {}) {
    ASSERT(what == asio::socket_base::wait_read);
    return start<void(std::error_code)>(
        std::forward<Token>(token), [](std::shared_ptr<Connection> it, auto handler) {
          detail::TlsWait(std::move(it), std::move(handler)).begin();
        });
  }
  /// Says close_notify, and completes when that and what was before it went to the stream below,
  /// whose sending side is shut down then. Reading goes on. Signature: void(std::error_code).
  template <class Token = asio::default_completion_token_t<executor_type>>
  auto async_shutdown(Token&& token = {}) {
    return start<void(std::error_code)>(std::forward<Token>(token),
                                        [](std::shared_ptr<Connection> it, auto handler) {
                                          detail::TlsOperation operation(it, std::move(handler));
                                          operation.go_on_as(Connection::shut_down(std::move(it)));
                                        });
  }

  /// shutdown_send: as async_shutdown(), without waiting for it.
  void shutdown(asio::socket_base::shutdown_type what, std::error_code& error) {
    error.clear();
    if (what == asio::socket_base::shutdown_receive) return lower().shutdown(what, error);
    asio::co_spawn(get_executor(), Connection::shut_down(connection_), asio::detached);
  }
  /// What waits completes with operation_aborted. close_notify still goes out, if it can soon.
  void close() {
    connection_->cancel();
    asio::co_spawn(get_executor(), Connection::close(connection_), asio::detached);
  }
  /// At once, without a word.
  void abort() { lower().abort(); }
  void cancel() { connection_->cancel(); }
  bool is_open() const { return connection_->lower().is_open(); }
  wire::Endpoint remote_endpoint() const { return connection_->lower().remote_endpoint(); }

  /// As the stream below has it: for each read and write of that.
  void expires_after(Duration limit) { lower().expires_after(limit); }
  void expires_never() { lower().expires_never(); }

  /// What was agreed on, state and error. Valid until the next call.
  const tls::Session& session() const { return connection_->session(); }
  tls::Session& session() { return connection_->session(); }
  /// Why it failed, in a sentence; empty where it did not.
  std::string why() const {
    const auto& error = session().error();
    return error ? error->why : "";
  }
  Lower& lower() { return connection_->lower(); }

 private:
  using Connection = detail::TlsConnection<Lower>;

  template <class Buffer, class View, class Buffers>
  static View first(const Buffers& buffers) {
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
         ++it) {
      const Buffer buffer(*it);
      if (buffer.size() > 0)
        return View(static_cast<typename View::pointer>(buffer.data()), buffer.size());
    }
    return {};
  }

  /// Has `begin` do it for the handler that `token` comes to.
  template <class Signature, class Token, class Begin>
  auto start(Token&& token, Begin begin) {
    return asio::async_initiate<Token, Signature>(
        [](auto&& handler, std::shared_ptr<Connection> connection, Begin how) {
          how(std::move(connection), std::forward<decltype(handler)>(handler));
        },
        token, connection_, std::move(begin));
  }

  std::shared_ptr<Connection> connection_;
};

}  // namespace handfast::io
