// Any stream behind one face: for code where a call more for each read does not matter, and one
// compilation instead of one for each kind of stream does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "io/tls_context.hpp"
#include "wire/address.hpp"

namespace handfast::io {

struct Moved {
  std::error_code error{};
  std::size_t bytes = 0;
};

/// A connection of any kind. Its coroutines run on executor(), and it outlives them. One read and
/// one write at a time; errors are those of TcpStream, and compare with std::errc.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  virtual asio::any_io_executor executor() = 0;
  virtual asio::awaitable<std::error_code> connect(wire::Endpoint remote) = 0;
  /// TLS: agrees on keys and judges the certificate. Else nothing.
  virtual asio::awaitable<std::error_code> shake_hands() = 0;
  /// At least one byte; asio::error::eof at the end.
  virtual asio::awaitable<Moved> read_some(MutBytes room) = 0;
  /// All of `bytes`, which stay where they are meanwhile.
  virtual asio::awaitable<std::error_code> write(Bytes bytes) = 0;
  /// Says that nothing follows, and completes when that is on its way.
  virtual asio::awaitable<std::error_code> shut_down() = 0;

  virtual void expires_after(Duration limit) = 0;
  virtual void expires_never() = 0;
  virtual void cancel() = 0;
  virtual void close() = 0;
  virtual void abort() = 0;

  /// A client's TLS on top, which takes this stream over. Null: it is TLS already.
  virtual std::unique_ptr<ByteStream> secure(TlsContext& context, std::string_view server_name) = 0;

  /// As far as this end has heard, the peer has neither closed nor reset.
  virtual bool is_alive() = 0;
  virtual wire::Endpoint remote_endpoint() = 0;
  /// TLS: why it failed, in a sentence.
  virtual std::string why() const = 0;
  /// What TLS agreed on; null without TLS. Valid until the next call.
  virtual const tls::Summary* tls_summary() const = 0;
  /// The smoothed round-trip time of the connection below.
  virtual std::optional<Duration> round_trip() = 0;

 protected:
  ByteStream() = default;
};

/// A timer in a network's time.
class NetworkTimer {
 public:
  virtual ~NetworkTimer() = default;
  /// What waits completes with operation_aborted; `never`: it does not end by itself.
  virtual void expires_at(Instant when) = 0;
  virtual void cancel() = 0;
  virtual asio::awaitable<std::error_code> wait() = 0;
};

/// Datagrams to and from one peer.
class Datagrams {
 public:
  virtual ~Datagrams() = default;
  virtual asio::awaitable<std::error_code> send(Bytes bytes) = 0;
  /// The next one from the peer. Where the network says that it cannot be reached, that is an
  /// error.
  virtual asio::awaitable<Moved> receive(MutBytes room) = 0;
  virtual void cancel() = 0;
};

/// Over what streams are opened, and which time it is there: our own stack, or the kernel's.
class Network {
 public:
  virtual ~Network() = default;

  virtual asio::any_io_executor executor() const = 0;
  virtual Instant now() const = 0;
  /// It never ends until it is told when.
  virtual std::unique_ptr<NetworkTimer> timer() const = 0;
  /// Not connected yet.
  virtual std::unique_ptr<ByteStream> stream() = 0;
  /// From `local_port` (0: any) to `remote`. Null where that port is taken, or no way leads there.
  virtual std::unique_ptr<Datagrams> datagrams(const wire::Endpoint& remote, u16 local_port) = 0;
  /// Whether there is a loopback with others on it: name servers, proxies.
  virtual bool has_loopback() const = 0;
  /// "our own TCP".
  virtual std::string_view name() const = 0;
};

}  // namespace handfast::io
