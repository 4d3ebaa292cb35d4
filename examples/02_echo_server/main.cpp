// A TCP echo server (RFC 862) on Handfast's own stack, over a TUN device.
//
//   sudo 02_echo_server TUN OUR-ADDRESS/PREFIX     e.g.  hf0 192.0.2.2/24
//   nc 192.0.2.2 7                                 in another terminal
//
// Without arguments it makes a network namespace of its own and is its own client there, through a
// socket of the kernel: the same application code speaks over both stacks.
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <sched.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/signal_set.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <handfast/io/driver.hpp>
#include <handfast/io/endpoint.hpp>
#include <handfast/io/tcp_listener.hpp>
#include <handfast/link/interface.hpp>
#include <handfast/link/tun.hpp>

namespace {

using namespace handfast;
using asio::use_awaitable;
constexpr u16 echo_port = 7;
constexpr int exit_skipped = 77;

asio::awaitable<void> echo(io::TcpStream stream) try {
  std::array<char, 16384> buffer;
  while (true) {
    const std::size_t size = co_await stream.async_read_some(asio::buffer(buffer), use_awaitable);
    co_await asio::async_write(stream, asio::buffer(buffer, size), use_awaitable);
  }
} catch (const std::system_error& end) {
  const std::string peer = wire::to_string(stream.remote_endpoint());
  std::printf("%s: %s\n", peer.c_str(), end.code().message().c_str());
}

asio::awaitable<void> serve(io::TcpListener& listener) try {
  while (true) {
    io::TcpStream stream = co_await listener.async_accept(use_awaitable);
    asio::co_spawn(listener.get_executor(), echo(std::move(stream)), asio::detached);
  }
} catch (const std::system_error&) {
  // The stack has stopped.
}

/// Sends a line through any Asio stream and waits for it to come back.
template <class Stream>
asio::awaitable<bool> says_it_back(Stream& stream, std::string_view line) {
  co_await asio::async_write(stream, asio::buffer(line), use_awaitable);
  std::string answer(line.size(), '\0');
  co_await asio::async_read(stream, asio::buffer(answer), use_awaitable);
  std::printf("echoed: %s\n", answer.c_str());
  co_return answer == line;
}

struct Address {
  wire::IpAddress address;
  u8 prefix_length = 0;
};

std::optional<Address> parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = wire::IpAddress::parse(text.substr(0, slash));
  if (!address || slash == std::string_view::npos) return std::nullopt;
  Address result{*address, 0};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + slash + 1, end, result.prefix_length);
  if (error != std::errc() || at != end) return std::nullopt;
  return result;
}

int complain(const link::Error& error) {
  std::fprintf(stderr, "%s\n%s\n", error.what.c_str(), error.advice.c_str());
  return 1;
}

int run(const std::string& name, const Address& ours, bool be_the_client_too) {
  auto tun = link::Tun::open({.name = name});
  if (!tun) return complain(tun.error());
  const auto up = link::configure(tun->name(), {.addresses = {{ours.address, ours.prefix_length}}});
  if (!up) return complain(up.error());

  host::InterfaceConfig interface;
  interface.mtu = tun->caps().mtu;
  interface.addresses = {{ours.address, ours.prefix_length}};
  host::Config config;
  config.interfaces = {interface};

  asio::io_context context(1);
  io::Stack stack(context.get_executor(), config, io::steady_now(), io::system_rng());
  io::Driver driver(stack, *tun);
  driver.start();
  io::TcpListener listener(stack, {ours.address, echo_port});
  std::printf("echoing on %s\n", wire::to_string(listener.local_endpoint()).c_str());
  asio::co_spawn(context, serve(listener), asio::detached);

  asio::signal_set signals(context, SIGINT, SIGTERM);
  const auto finish = [&] {
    signals.cancel();
    stack.stop();
    driver.stop();
  };
  signals.async_wait([&](std::error_code error, int) {
    if (!error) finish();
  });
  bool good = true;
  if (be_the_client_too) {
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          asio::ip::tcp::socket socket(context);
          co_await socket.async_connect(io::to_asio(listener.local_endpoint()), use_awaitable);
          good = co_await says_it_back(socket, "hello from the kernel");
          socket.shutdown(asio::socket_base::shutdown_send);
          std::error_code end;
          char none = 0;
          co_await socket.async_read_some(asio::buffer(&none, 1),
                                          asio::redirect_error(use_awaitable, end));
          finish();
        },
        asio::detached);
  }
  context.run();
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    if (unshare(CLONE_NEWNET) != 0) {
      std::puts("skipped: a network namespace of its own needs root");
      return exit_skipped;
    }
    return run("", {wire::IpAddress::v4(192, 0, 2, 2), 24}, true);
  }
  const auto ours = argc == 3 ? parse(argv[2]) : std::nullopt;
  if (!ours) {
    std::fprintf(stderr, "usage: %s [TUN ADDRESS/PREFIX]\n", argv[0]);
    return 2;
  }
  return run(argv[1], *ours, false);
}
