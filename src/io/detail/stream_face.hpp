// Makes a ByteStream of a stream with TcpStream's verbs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "io/byte_stream.hpp"
#include "io/kernel_stream.hpp"
#include "io/tcp_stream.hpp"
#include "io/tls_stream.hpp"

namespace handfast::io::detail {

/// As the kernel tells (tcp(7), TCP_INFO).
bool is_established(int socket);
std::optional<Duration> round_trip_of(int socket);

inline bool is_alive(KernelStream& stream) {
  return stream.is_open() && is_established(stream.socket().native_handle());
}
inline bool is_alive(const TcpStream& stream) {
  const tcp::Connection* open = stream.connection();
  return open != nullptr && open->state() == tcp::State::established;
}
inline std::optional<Duration> round_trip(KernelStream& stream) {
  return stream.is_open() ? round_trip_of(stream.socket().native_handle()) : std::nullopt;
}
inline std::optional<Duration> round_trip(const TcpStream& stream) {
  const tcp::Connection* open = stream.connection();
  if (open == nullptr || open->smoothed_rtt() == Duration{}) return std::nullopt;
  return open->smoothed_rtt();
}

/// `Stream` is a stream, or a reference to one that outlives this.
template <class Stream>
class StreamFace final : public ByteStream {
  using Kind = std::remove_reference_t<Stream>;
  static constexpr bool is_tls = requires(Kind& kind) { kind.session(); };

 public:
  explicit StreamFace(Stream&& stream) : stream_(std::forward<Stream>(stream)) {}

  asio::any_io_executor executor() override { return stream_.get_executor(); }

  asio::awaitable<std::error_code> connect(wire::Endpoint remote) override {
    std::error_code error = std::make_error_code(std::errc::already_connected);
    if constexpr (!is_tls) {
      co_await stream_.async_connect(remote, asio::redirect_error(asio::use_awaitable, error));
      error = outcome(stream_, error);
    }
    co_return error;
  }
  asio::awaitable<std::error_code> shake_hands() override {
    std::error_code error;
    if constexpr (is_tls) {
      co_await stream_.async_handshake(asio::redirect_error(asio::use_awaitable, error));
      error = below(error);
    }
    co_return error;
  }
  asio::awaitable<Moved> read_some(MutBytes room) override {
    std::error_code error;
    const std::size_t n = co_await stream_.async_read_some(
        asio::buffer(room.data(), room.size()), asio::redirect_error(asio::use_awaitable, error));
    co_return Moved{below(error), n};
  }
  asio::awaitable<std::error_code> write(Bytes bytes) override {
    std::error_code error;
    co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return below(error);
  }
  asio::awaitable<std::error_code> shut_down() override {
    std::error_code error;
    if constexpr (is_tls)
      co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    else
      stream_.shutdown(asio::socket_base::shutdown_send, error);
    co_return below(error);
  }

  void expires_after(Duration limit) override { stream_.expires_after(limit); }
  void expires_never() override { stream_.expires_never(); }
  void cancel() override { stream_.cancel(); }
  void close() override { stream_.close(); }
  void abort() override { stream_.abort(); }

  std::unique_ptr<ByteStream> secure(TlsContext& context, std::string_view server_name) override {
    if constexpr (is_tls || std::is_reference_v<Stream>) {
      return nullptr;
    } else {
      using Secured = TlsStream<Kind>;
      return std::make_unique<StreamFace<Secured>>(
          Secured(std::move(stream_), context, server_name));
    }
  }

  bool is_alive() override { return detail::is_alive(lowest()); }
  wire::Endpoint remote_endpoint() override { return stream_.remote_endpoint(); }
  std::string why() const override {
    if constexpr (is_tls)
      return stream_.why();
    else
      return {};
  }
  const tls::Summary* tls_summary() const override {
    if constexpr (is_tls)
      return &std::as_const(stream_).session().summary();
    else
      return nullptr;
  }
  std::optional<Duration> round_trip() override { return detail::round_trip(lowest()); }

 private:
  auto& lowest() {
    if constexpr (is_tls)
      return stream_.lower();
    else
      return stream_;
  }
  std::error_code below(std::error_code error) { return outcome(lowest(), error); }

  Stream stream_;
};

}  // namespace handfast::io::detail
