#include "io/networks.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <asio/ip/udp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "io/detail/stream_face.hpp"
#include "io/driver.hpp"
#include "io/timer.hpp"
#include "io/udp_socket.hpp"

namespace handfast::io {

namespace detail {
namespace {

std::optional<tcp_info> info_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info;
}

}  // namespace

bool is_established(int socket) {
  const auto info = info_of(socket);
  return info && info->tcpi_state == TCP_ESTABLISHED;
}

std::optional<Duration> round_trip_of(int socket) {
  const auto info = info_of(socket);
  if (!info || info->tcpi_rtt == 0) return std::nullopt;
  return std::chrono::microseconds(info->tcpi_rtt);
}

}  // namespace detail

namespace {

template <class Timed>
asio::awaitable<std::error_code> wait_for(Timed& timer) {
  std::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

class StackTimer final : public NetworkTimer {
 public:
  explicit StackTimer(Stack& stack) : timer_(stack) {}
  void expires_at(Instant when) override { timer_.expires_at(when); }
  void cancel() override { timer_.cancel(); }
  asio::awaitable<std::error_code> wait() override { return wait_for(timer_); }

 private:
  Timer timer_;
};

class KernelTimer final : public NetworkTimer {
 public:
  explicit KernelTimer(const asio::any_io_executor& executor) : timer_(executor) {
    KernelTimer::expires_at(never);
  }
  void expires_at(Instant when) override {
    using Clock = std::chrono::steady_clock;
    timer_.expires_at(when == never ? Clock::time_point::max()
                                    : Clock::time_point(std::chrono::ceil<Clock::duration>(
                                          when.time_since_epoch())));
  }
  void cancel() override { timer_.cancel(); }
  asio::awaitable<std::error_code> wait() override { return wait_for(timer_); }

 private:
  asio::steady_timer timer_;
};

class StackDatagrams final : public Datagrams {
 public:
  StackDatagrams(UdpSocket socket, const wire::Endpoint& remote)
      : socket_(std::move(socket)), remote_(remote) {}

  asio::awaitable<std::error_code> send(Bytes bytes) override {
    std::error_code error;
    co_await socket_.async_send_to(asio::buffer(bytes.data(), bytes.size()), remote_,
                                   asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }
  asio::awaitable<Moved> receive(MutBytes room) override {
    while (true) {
      wire::Endpoint from;
      std::error_code error;
      const std::size_t n =
          co_await socket_.async_receive_from(asio::buffer(room.data(), room.size()), from,
                                              asio::redirect_error(asio::use_awaitable, error));
      if (from == remote_ || error == asio::error::operation_aborted) co_return Moved{error, n};
    }
  }
  void cancel() override { socket_.cancel(); }

 private:
  UdpSocket socket_;
  wire::Endpoint remote_;
};

class KernelDatagrams final : public Datagrams {
 public:
  explicit KernelDatagrams(asio::ip::udp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<std::error_code> send(Bytes bytes) override {
    std::error_code error;
    co_await socket_.async_send(asio::buffer(bytes.data(), bytes.size()),
                                asio::redirect_error(asio::use_awaitable, error));
    co_return standard(error);
  }
  asio::awaitable<Moved> receive(MutBytes room) override {
    std::error_code error;
    const std::size_t n = co_await socket_.async_receive(
        asio::buffer(room.data(), room.size()), asio::redirect_error(asio::use_awaitable, error));
    co_return Moved{standard(error), n};
  }
  void cancel() override {
    std::error_code ignored;
    socket_.cancel(ignored);
  }

 private:
  asio::ip::udp::socket socket_;  // connected
};

}  // namespace

std::unique_ptr<Datagrams> StackNetwork::datagrams(const wire::Endpoint& remote, u16 local_port) {
  const wire::IpAddress any = remote.address.is_v4() ? wire::any_v4 : wire::any_v6;
  UdpSocket socket(stack_);
  if (socket.open({any, local_port})) return nullptr;
  socket.report_errors(true);
  return std::make_unique<StackDatagrams>(std::move(socket), remote);
}

std::unique_ptr<Datagrams> KernelNetwork::datagrams(const wire::Endpoint& remote, u16 local_port) {
  const auto to = to_asio<asio::ip::udp>(remote);
  asio::ip::udp::socket socket(executor_);
  std::error_code error;
  socket.open(to.protocol(), error);
  if (!error) socket.bind({to.protocol(), local_port}, error);
  if (!error) socket.connect(to, error);
  if (error) return nullptr;
  return std::make_unique<KernelDatagrams>(std::move(socket));
}

std::unique_ptr<NetworkTimer> StackNetwork::timer() const {
  return std::make_unique<StackTimer>(stack_);
}
std::unique_ptr<ByteStream> StackNetwork::stream() {
  return std::make_unique<detail::StreamFace<TcpStream>>(TcpStream(stack_));
}

Instant KernelNetwork::now() const { return steady_now(); }
std::unique_ptr<NetworkTimer> KernelNetwork::timer() const {
  return std::make_unique<KernelTimer>(executor_);
}
std::unique_ptr<ByteStream> KernelNetwork::stream() {
  return std::make_unique<detail::StreamFace<KernelStream>>(KernelStream(executor_));
}

}  // namespace handfast::io
