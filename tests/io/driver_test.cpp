// The stack against the kernel's own TCP over a TUN device, each test in a network namespace that
// ends with its thread. Needs root.
#include "io/driver.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>

#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include "io/endpoint.hpp"
#include "io/error.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"
#include "link/impaired.hpp"
#include "link/interface.hpp"
#include "link/tun.hpp"

namespace handfast::io {
namespace {

using asio::use_awaitable;
using KernelAcceptor = asio::ip::tcp::acceptor;
using KernelSocket = asio::ip::tcp::socket;
constexpr auto as_result = asio::experimental::as_tuple(use_awaitable);

/// This machine has no TUN device, or not for us.
struct NotPermitted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs `body` in a network namespace of its own; says why where that is not permitted.
std::string why_not_in_namespace(const std::function<void()>& body) {
  std::string why;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      why = "a network namespace of its own needs root";
      return;
    }
    try {
      body();
    } catch (const NotPermitted& missing) {
      why = missing.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }).join();
  return why;
}

struct Addresses {
  wire::IpAddress ours;
  wire::IpAddress kernel;
  u8 prefix_length;
};

host::Config config_for(const link::Caps& caps, const Addresses& addresses) {
  host::InterfaceConfig interface;
  interface.link_type = caps.link_type;
  interface.mtu = caps.mtu;
  interface.checksum_offload = caps.checksum_offload;
  interface.segment_bytes_max = caps.segment_bytes_max;
  interface.mac = {{2, 0, 0, 0, 0, 1}};
  interface.addresses = {{addresses.ours, addresses.prefix_length}};
  host::Config config;
  config.interfaces = {interface};
  return config;
}

/// A stack on a device, and a context in which it and kernel sockets run.
class OnTun {
 public:
  OnTun(const link::TunOptions& options, const Addresses& used)
      : addresses(used), tun(open(options, used)) {
    stack.emplace(context.get_executor(), config_for(tun.caps(), used), steady_now(), system_rng());
  }

  /// Runs the coroutines until they have ended.
  void run(std::initializer_list<std::function<asio::awaitable<void>()>> coroutines) {
    std::size_t left = coroutines.size();
    for (const auto& coroutine : coroutines)
      asio::co_spawn(context, coroutine(), [&](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        if (--left == 0) context.stop();
      });
    context.run_for(60s);
    EXPECT_EQ(left, 0U) << "coroutines still wait";
  }

  wire::Endpoint ours(u16 port) const { return {addresses.ours, port}; }
  asio::ip::tcp::endpoint kernel(u16 port) const {
    return to_asio(wire::Endpoint{addresses.kernel, port});
  }

  Addresses addresses;
  link::Tun tun;
  asio::io_context context{1};
  std::optional<Stack> stack;

 private:
  static link::Tun open(const link::TunOptions& options, const Addresses& addresses) {
    auto opened = link::Tun::open(options);
    if (!opened) throw NotPermitted(opened.error().what);
    const auto configured = link::configure(
        opened->name(),
        {.addresses = {{addresses.ours, addresses.prefix_length, addresses.kernel}}});
    if (!configured) throw std::runtime_error(configured.error().what);
    return std::move(*opened);
  }
};

/// The same application on either side's sockets: sends `text` and expects it back.
template <class Stream>
asio::awaitable<void> send_and_expect_back(Stream& stream, const std::string& text) {
  auto executor = co_await asio::this_coro::executor;
  asio::co_spawn(
      executor,
      [](Stream& s, const std::string& all) -> asio::awaitable<void> {
        co_await asio::async_write(s, asio::buffer(all), use_awaitable);
        s.shutdown(asio::socket_base::shutdown_send);
      }(stream, text),
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  std::string back;
  const auto [error, size] =
      co_await asio::async_read(stream, asio::dynamic_buffer(back), as_result);
  EXPECT_EQ(error, asio::error::eof) << error.message();
  EXPECT_TRUE(back == text) << size << " of " << text.size() << " bytes came back";
}

template <class Stream>
asio::awaitable<void> echo(Stream stream) {
  std::array<char, 65536> buffer;
  while (true) {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_result);
    if (error) co_return;
    co_await asio::async_write(stream, asio::buffer(buffer, size), use_awaitable);
  }
}

struct Setting {
  const char* name;
  link::TunOptions options;
  Addresses addresses;
  std::size_t bytes;
  friend void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }
};
const Addresses v4{wire::IpAddress::v4(192, 0, 2, 2), wire::IpAddress::v4(192, 0, 2, 1), 24};
const Addresses v6{*wire::IpAddress::parse("2001:db8::2"), *wire::IpAddress::parse("2001:db8::1"),
                   64};

class AgainstTheKernel : public ::testing::TestWithParam<Setting> {};

TEST_P(AgainstTheKernel, the_kernel_connects_to_us) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net(GetParam().options, GetParam().addresses);
    Driver driver(*net.stack, net.tun);
    driver.start();
    TcpListener listener(*net.stack, net.ours(7));
    const std::string text = pattern(GetParam().bytes);
    net.run({[&]() -> asio::awaitable<void> {
               co_await echo(co_await listener.async_accept(use_awaitable));
             },
             [&]() -> asio::awaitable<void> {
               KernelSocket socket(net.context);
               co_await socket.async_connect(to_asio(net.ours(7)), use_awaitable);
               co_await send_and_expect_back(socket, text);
             }});
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST_P(AgainstTheKernel, we_connect_to_the_kernel) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net(GetParam().options, GetParam().addresses);
    Driver driver(*net.stack, net.tun);
    driver.start();
    KernelAcceptor acceptor(net.context, net.kernel(7));
    const std::string text = pattern(GetParam().bytes);
    net.run({[&]() -> asio::awaitable<void> {
               co_await echo(co_await acceptor.async_accept(use_awaitable));
             },
             [&]() -> asio::awaitable<void> {
               TcpStream stream(*net.stack);
               co_await stream.async_connect(from_asio(net.kernel(7)), use_awaitable);
               co_await send_and_expect_back(stream, text);
             }});
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

INSTANTIATE_TEST_SUITE_P(
    Over, AgainstTheKernel,
    ::testing::Values(Setting{"tun_v4", {}, v4, 16 << 20}, Setting{"tun_v6", {}, v6, 16 << 20},
                      Setting{"tap_v4", {.mode = link::TunMode::tap}, v4, 16 << 20},
                      Setting{"tap_v6", {.mode = link::TunMode::tap}, v6, 16 << 20},
                      Setting{"tun_v4_offload", {.offload = true}, v4, 16 << 20},
                      Setting{"tun_v6_offload", {.offload = true}, v6, 16 << 20}),
    [](const auto& setting) { return setting.param.name; });

TEST(OnADevice, many_kernel_clients_are_served_at_once) {
  const std::string why_not = why_not_in_namespace([] {
    constexpr u32 count = 50;
    OnTun net({}, v4);
    Driver driver(*net.stack, net.tun);
    driver.start();
    TcpListener listener(*net.stack, net.ours(7));
    asio::co_spawn(
        net.context,
        [&]() -> asio::awaitable<void> {
          for (u32 i = 0; i < count; ++i)
            asio::co_spawn(net.context, echo(co_await listener.async_accept(use_awaitable)),
                           [](const std::exception_ptr&) {});
        },
        [](const std::exception_ptr&) {});
    net.run({[&]() -> asio::awaitable<void> {
      std::vector<KernelSocket> sockets;
      for (u32 i = 0; i < count; ++i) {
        sockets.emplace_back(net.context);
        co_await sockets.back().async_connect(to_asio(net.ours(7)), use_awaitable);
      }
      for (u32 i = 0; i < count; ++i) co_await send_and_expect_back(sockets[i], pattern(10'000, i));
    }});
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST(OnADevice, a_bad_wire_still_delivers_everything) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net({}, v4);
    link::ImpairmentOptions bad;
    bad.loss = {2, 100};
    bad.reorder = {2, 100};
    bad.delay = 1ms;
    link::Impaired<link::Tun> impaired(net.tun, bad, bad, Rng(3));
    Driver driver(*net.stack, impaired, net.tun);
    driver.start();
    TcpListener listener(*net.stack, net.ours(7));
    const std::string text = pattern(1 << 20);
    net.run({[&]() -> asio::awaitable<void> {
               co_await echo(co_await listener.async_accept(use_awaitable));
             },
             [&]() -> asio::awaitable<void> {
               KernelSocket socket(net.context);
               co_await socket.async_connect(to_asio(net.ours(7)), use_awaitable);
               co_await send_and_expect_back(socket, text);
             }});
    EXPECT_GT(impaired.outgoing().counters().lost + impaired.incoming().counters().lost, 0U);
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST(OnADevice, errors_are_those_of_kernel_sockets) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net({}, v4);
    Driver driver(*net.stack, net.tun);
    driver.start();
    net.run({[&]() -> asio::awaitable<void> {
      TcpStream ours(*net.stack);
      const auto [refused] = co_await ours.async_connect(from_asio(net.kernel(9)), as_result);
      EXPECT_EQ(refused, std::errc::connection_refused);
      KernelSocket kernels(net.context);
      const auto [refused_too] = co_await kernels.async_connect(to_asio(net.ours(9)), as_result);
      EXPECT_TRUE(is(refused_too, std::errc::connection_refused));
      EXPECT_TRUE(is(refused, std::errc::connection_refused));
    }});
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST(OnADevice, time_begins_when_the_application_asks) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net({}, v4);
    Driver driver(*net.stack, net.tun);
    driver.start();
    net.run({[&]() -> asio::awaitable<void> {
      // Nothing happens on the stack meanwhile, so only its clock can know how late it is.
      asio::steady_timer elsewhere(net.context, std::chrono::milliseconds(300));
      co_await elsewhere.async_wait(use_awaitable);
      const Instant before = steady_now();
      co_await net.stack->async_sleep(200ms, use_awaitable);
      EXPECT_GE(steady_now() - before, 200ms);
    }});
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST(OnADevice, a_stopped_driver_leaves_the_rest_to_the_stack) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net({}, v4);
    auto driver = std::make_unique<Driver<link::Tun>>(*net.stack, net.tun);
    driver->start();
    TcpListener listener(*net.stack, net.ours(7));
    std::error_code error;
    listener.async_accept([&](std::error_code e, const TcpStream&) { error = e; });
    net.context.run_for(std::chrono::milliseconds(20));
    driver->stop();
    driver.reset();
    net.context.restart();
    net.context.run_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(error);
    net.stack->stop();
    net.context.restart();
    EXPECT_LT(net.context.run_for(10s), 100U) << "something still runs";
    EXPECT_EQ(error, asio::error::operation_aborted);
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

TEST(OnADevice, a_device_that_is_removed_ends_everything) {
  const std::string why_not = why_not_in_namespace([] {
    OnTun net({}, v4);
    Driver driver(*net.stack, net.tun);
    std::string what;
    driver.on_fault([&](const std::string& told) { what = told; });
    driver.start();
    TcpListener listener(*net.stack, net.ours(7));
    std::error_code error;
    listener.async_accept([&](std::error_code e, const TcpStream&) { error = e; });
    net.context.run_for(std::chrono::milliseconds(20));
    ASSERT_EQ(std::system(("ip link del " + net.tun.name()).c_str()), 0);
    net.context.restart();
    net.context.run_for(10s);
    EXPECT_NE(what.find(net.tun.name()), std::string::npos) << what;
    EXPECT_EQ(error, asio::error::operation_aborted);
  });
  if (!why_not.empty()) GTEST_SKIP() << why_not;
}

}  // namespace
}  // namespace handfast::io
