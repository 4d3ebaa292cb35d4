// A connection, and a listener, whose kind is known at run time only: what stands on them, such as
// the HTTP server, is compiled once. A virtual call an operation; no coroutine and no memory of
// their own.
#pragma once

#include <memory>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/use_awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::tls {
class Session;
}

namespace handfast::io {

class KernelListener;
class KernelStream;
class TcpListener;
class TcpStream;
class TlsContext;

/// How an operation ended. `error` compares with std::errc; asio::error::eof is the peer's end.
struct Transferred {
  std::error_code error{};
  std::size_t bytes = 0;
};

class AnyStream {
 public:
  AnyStream() = default;
  AnyStream(const AnyStream&) = delete;
  AnyStream& operator=(const AnyStream&) = delete;
  virtual ~AnyStream() = default;

  /// At least one byte, or an error. `room` and `bytes` stay until the end.
  asio::awaitable<Transferred> read_some(MutBytes room) {
    return start([this, room](Handler done) { start_read(room, std::move(done)); });
  }
  asio::awaitable<Transferred> write_some(Bytes bytes) {
    return start([this, bytes](Handler done) { start_write(bytes, std::move(done)); });
  }
  /// Until a read would not have to wait: no buffer is needed for that.
  asio::awaitable<Transferred> wait_to_read() {
    return start([this](Handler done) { start_wait(false, std::move(done)); });
  }
  /// Until send_space() has room. Only where lends_space().
  asio::awaitable<Transferred> wait_to_write() {
    return start([this](Handler done) { start_wait(true, std::move(done)); });
  }
  /// TLS; the others have none, and end at once.
  asio::awaitable<Transferred> handshake() {
    return start([this](Handler done) { start_handshake(std::move(done)); });
  }

  /// Writes what goes without waiting; no byte and no error: wait by write_some().
  virtual Transferred write_now(Bytes bytes) = 0;

  // As TcpStream has them. Those of the first line only where lends_space().
  virtual bool lends_space() const = 0;
  virtual MutBytes send_space(u32 wanted) = 0;
  virtual void send(u32 n, bool more) = 0;
  virtual void shutdown_send() = 0;
  virtual void close() = 0;
  virtual void abort() = 0;
  virtual void cancel() = 0;
  virtual void expires_after(Duration limit) = 0;
  virtual void expires_never() = 0;
  virtual wire::Endpoint remote_endpoint() const = 0;
  virtual asio::any_io_executor get_executor() const = 0;
  /// Null where there is no TLS.
  virtual const tls::Session* tls() const = 0;

 protected:
  using Token = asio::use_awaitable_t<>;
  using Handler = asio::async_result<Token, void(Transferred)>::handler_type;

  virtual void start_read(MutBytes room, Handler done) = 0;
  virtual void start_write(Bytes bytes, Handler done) = 0;
  virtual void start_wait(bool to_write, Handler done) = 0;
  virtual void start_handshake(Handler done) = 0;

 private:
  template <class Initiation>
  static asio::awaitable<Transferred> start(Initiation initiation) {
    return asio::async_initiate<const Token, void(Transferred)>(initiation, asio::use_awaitable);
  }
};

std::unique_ptr<AnyStream> any_stream(TcpStream stream);
std::unique_ptr<AnyStream> any_stream(KernelStream stream);

class AnyListener {
 public:
  /// `stream` is null where there is an error.
  struct Accepted {
    std::error_code error{};
    std::unique_ptr<AnyStream> stream{};
  };

  AnyListener() = default;
  AnyListener(const AnyListener&) = delete;
  AnyListener& operator=(const AnyListener&) = delete;
  virtual ~AnyListener() = default;

  asio::awaitable<Accepted> accept() {
    return asio::async_initiate<const Token, void(Accepted)>(
        [this](Handler done) { start_accept(std::move(done)); }, asio::use_awaitable);
  }
  virtual void close() = 0;
  virtual wire::Endpoint local_endpoint() const = 0;
  virtual asio::any_io_executor get_executor() = 0;

 protected:
  using Token = asio::use_awaitable_t<>;
  using Handler = asio::async_result<Token, void(Accepted)>::handler_type;
  virtual void start_accept(Handler done) = 0;
};

/// `listener` listens already. With a context its streams speak TLS; then it outlives them.
std::unique_ptr<AnyListener> any_listener(TcpListener listener, TlsContext* tls = nullptr);
std::unique_ptr<AnyListener> any_listener(KernelListener listener, TlsContext* tls = nullptr);

}  // namespace handfast::io
