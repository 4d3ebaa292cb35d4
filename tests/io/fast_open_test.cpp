// RFC 7413 with the kernel's own TCP on the other end of a TUN device, in both roles; each test in
// a network namespace that ends with its thread. Needs root.
#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "host/host.hpp"
#include "io/driver.hpp"
#include "link/interface.hpp"
#include "link/tun.hpp"

namespace handfast::io {
namespace {

constexpr wire::IpAddress our_address = wire::IpAddress::v4(192, 0, 2, 2);
constexpr wire::IpAddress kernel_address = wire::IpAddress::v4(192, 0, 2, 1);
constexpr u16 port = 8080;

host::Config config_for(const link::Caps& caps) {
  host::Config config;
  config.interfaces = {{.mtu = caps.mtu,
                        .addresses = {{our_address, 24}},
                        .checksum_offload = caps.checksum_offload,
                        .segment_bytes_max = caps.segment_bytes_max}};
  return config;
}

/// A socket of the kernel's that never blocks.
class KernelSocket {
 public:
  KernelSocket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  explicit KernelSocket(int fd) : fd_(fd) {}
  KernelSocket(KernelSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  KernelSocket& operator=(KernelSocket&&) = delete;
  ~KernelSocket() {
    if (fd_ >= 0) close(fd_);
  }

  static sockaddr_in address(const wire::IpAddress& of) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    std::memcpy(&at.sin_addr, of.v4_octets(), 4);
    return at;
  }
  /// How much of `text` the SYN takes; negative: none, it asks for a cookie.
  ssize_t connect_with(std::string_view text) const {
    const sockaddr_in at = address(our_address);
    return sendto(fd_, text.data(), text.size(), MSG_FASTOPEN,
                  reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  bool listen_for_early_data() const {
    const sockaddr_in at = address(kernel_address);
    const int waiting_max = 8;
    return bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
           setsockopt(fd_, IPPROTO_TCP, TCP_FASTOPEN, &waiting_max, sizeof waiting_max) == 0 &&
           listen(fd_, 8) == 0;
  }
  std::optional<KernelSocket> accept() const {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return std::nullopt;
    return KernelSocket(fd);
  }
  bool is_writable() const {
    pollfd state{.fd = fd_, .events = POLLOUT, .revents = 0};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLERR | POLLHUP)) == 0;
  }
  std::string read_some() const {
    std::array<char, 100> bytes;
    const ssize_t got = read(fd_, bytes.data(), bytes.size());
    return got > 0 ? std::string(bytes.data(), to<std::size_t>(got)) : std::string();
  }
  void write_all(std::string_view text) const {
    EXPECT_EQ(write(fd_, text.data(), text.size()), to<ssize_t>(text.size()));
  }
  /// What the kernel says: the data of the SYN was acknowledged, or taken.
  bool had_data_in_syn() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size);
    return (info.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
  }

 private:
  int fd_;
};

/// A host of ours on the device, driven while somebody waits for something.
class OnTun {
 public:
  explicit OnTun(link::Tun device)
      : tun_(std::move(device)), host(config_for(tun_.caps()), steady_now(), Rng(1)) {}

  [[nodiscard]] bool wait_for(const std::function<bool()>& done) {
    const Instant end = steady_now() + 10s;
    while (!done()) {
      if (steady_now() >= end) return false;
      pump();
      pollfd readable{.fd = tun_.fd(), .events = POLLIN, .revents = 0};
      poll(&readable, 1, 1);
    }
    pump();
    return true;
  }
  void write(host::Conn to_whom, std::string_view text) {
    tcp::Connection& connection = *host.find(to_whom);
    const MutBytes space = connection.send_space(to<u32>(text.size()));
    ASSERT_EQ(space.size(), text.size());
    std::ranges::copy(as_bytes(text), space.begin());
    connection.send(to<u32>(text.size()));
    host.touch(to_whom, steady_now());
  }
  std::string received(host::Conn by) {
    tcp::Connection& connection = *host.find(by);
    std::string text{as_text(connection.received())};
    connection.consume(to<u32>(text.size()), steady_now());
    return text;
  }

 private:
  void pump() {
    const Instant now = steady_now();
    std::array<link::Received, link::batch_max> in;
    const u32 heard = tun_.receive(in, now);
    for (u32 i = 0; i < heard; ++i) host.on_frame(0, in[i].frame, now, in[i].checksum_verified);
    tun_.release();
    if (host.deadline() <= now) host.on_deadline(now);
    while (const u32 said = host.poll_transmit(0, tun_.room(), now)) tun_.transmit(said, now);
    while (host.poll_event()) {
    }
  }

  link::Tun tun_;

 public:
  host::Host host;
};

/// Empty, or why it could not be done here.
std::string in_namespace(const std::function<void(OnTun&)>& body) {
  std::string why;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      why = "a network namespace of its own needs root";
      return;
    }
    auto tun = link::Tun::open({.name = "handfast0", .offload = true});
    if (!tun) {
      why = tun.error().what;
      return;
    }
    const auto configured =
        link::configure(tun->name(), {.addresses = {{our_address, 24, kernel_address}}});
    std::ofstream both_roles("/proc/sys/net/ipv4/tcp_fastopen");
    both_roles << 3 << std::flush;
    if (!configured || !both_roles) {
      why = "the kernel's Fast Open cannot be switched on here";
      return;
    }
    OnTun end(std::move(*tun));
    body(end);
  }).join();
  return why;
}

TEST(FastOpenWithTheKernel, takes_data_from_the_syn_of_a_client_that_has_our_cookie) {
  const std::string why = in_namespace([](OnTun& end) {
    tcp::Settings settings;
    settings.fast_open_max = 8;
    const host::Listen listener = *end.host.listen({our_address, port}, 8, steady_now(), &settings);
    host::Conn accepted{};
    const auto is_accepted = [&] {
      const auto next = end.host.accept(listener);
      if (next) accepted = *next;
      return next.has_value();
    };

    const KernelSocket first;
    EXPECT_LT(first.connect_with("hello"), 0);
    ASSERT_TRUE(end.wait_for(is_accepted));
    ASSERT_TRUE(end.wait_for([&] { return first.is_writable(); }));
    EXPECT_EQ(end.host.tcp_counters().fast_open_cookies_asked, 1u);
    EXPECT_FALSE(first.had_data_in_syn());

    const KernelSocket second;
    EXPECT_EQ(second.connect_with("hello"), 5);
    ASSERT_TRUE(end.wait_for(is_accepted));
    EXPECT_EQ(end.host.tcp_counters().fast_open_passive, 1u);
    EXPECT_EQ(end.received(accepted), "hello");
    end.write(accepted, "world");
    std::string answer;
    ASSERT_TRUE(end.wait_for([&] { return !(answer = second.read_some()).empty(); }));
    EXPECT_EQ(answer, "world");
    EXPECT_TRUE(second.had_data_in_syn());
    EXPECT_EQ(end.host.tcp_counters().fast_open_passive_fails, 0u);
  });
  if (!why.empty()) GTEST_SKIP() << why;
}

TEST(FastOpenWithTheKernel, sends_data_in_the_syn_to_a_server_whose_cookie_it_has) {
  const std::string why = in_namespace([](OnTun& end) {
    const KernelSocket server;
    ASSERT_TRUE(server.listen_for_early_data());
    tcp::Settings settings;
    settings.fast_open = true;
    const wire::Endpoint there{kernel_address, port};

    std::optional<KernelSocket> accepted;
    const auto is_accepted = [&] {
      auto next = server.accept();
      if (next) accepted.emplace(std::move(*next));
      return next.has_value();
    };

    const host::Conn first = *end.host.connect(there, steady_now(), {}, &settings);
    EXPECT_EQ(end.host.find(first)->early_room(steady_now()), 0u);
    ASSERT_TRUE(end.wait_for(is_accepted));

    const host::Conn second = *end.host.connect(there, steady_now(), {}, &settings);
    EXPECT_GT(end.host.find(second)->early_room(steady_now()), 1000u);
    end.write(second, "hello");
    ASSERT_TRUE(end.wait_for(is_accepted));
    EXPECT_TRUE(accepted->had_data_in_syn());
    EXPECT_EQ(accepted->read_some(), "hello");
    accepted->write_all("world");
    ASSERT_TRUE(end.wait_for([&] { return end.host.find(second)->received_size() > 0; }));
    EXPECT_EQ(end.received(second), "world");
    EXPECT_EQ(end.host.tcp_counters().fast_open_active, 1u);
    EXPECT_EQ(end.host.tcp_counters().fast_open_active_fails, 0u);
  });
  if (!why.empty()) GTEST_SKIP() << why;
}

}  // namespace
}  // namespace handfast::io
