// Two Internet hosts and a bad wire between them, in one process and in made-up time: no root, no
// sockets, no waiting. The same seed gives the same run, byte for byte.
//
//   03_two_hosts_in_memory [SEED]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <asio/buffer.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <handfast/io/tcp_listener.hpp>
#include <handfast/io/tcp_stream.hpp>
#include <handfast/sim/world.hpp>

namespace {

using namespace handfast;
using asio::use_awaitable;

constexpr std::size_t document_size = 1 << 20;

std::string make_document(Rng rng) {
  std::string document(document_size, '\0');
  for (char& c : document) c = to<char>(' ' + rng.below(95));
  return document;
}

/// Sends `document` to the first who connects, then closes.
asio::awaitable<void> serve(io::TcpListener& listener, const std::string& document) {
  io::TcpStream stream = co_await listener.async_accept(use_awaitable);
  co_await asio::async_write(stream, asio::buffer(document), use_awaitable);
}

/// Reads until the other end closes.
asio::awaitable<void> fetch(sim::Node& node, wire::Endpoint server, std::string& received,
                            bool& ended) {
  io::TcpStream stream(node.stack());
  stream.expires_after(60s);
  co_await stream.async_connect(server, use_awaitable);
  std::error_code why;
  co_await asio::async_read(stream, asio::dynamic_buffer(received),
                            asio::redirect_error(use_awaitable, why));
  ended = why == asio::error::eof;
}

}  // namespace

int main(int argc, char** argv) {
  const u64 seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;

  sim::World world(seed);
  sim::Node& server = world.add(sim::host_config("server", 1));
  sim::Node& client = world.add(sim::host_config("client", 2));
  link::ImpairmentOptions wire;
  wire.delay = 10ms;
  wire.rate = 100'000'000;
  wire.loss = {2, 100};
  wire.reorder = {1, 100};
  world.connect(server, client, wire);

  const std::string document = make_document(world.fork_rng());
  std::string received;
  bool ended = false;
  const wire::Endpoint address{server.address_v4(), 80};
  io::TcpListener listener(server.stack(), address);
  world.spawn(serve(listener, document));
  world.spawn(fetch(client, address, received, ended));
  world.run_until([&] { return ended; }, 60s);

  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(world.now().time_since_epoch());
  std::printf("seed %llu: %zu of %zu bytes in %lld ms of made-up time\n",
              static_cast<unsigned long long>(seed), received.size(), document.size(),
              static_cast<long long>(ms.count()));
  std::printf("%llu frames sent, %llu arrived; digest of all that arrived: %016llx\n",
              static_cast<unsigned long long>(world.counters().frames_sent),
              static_cast<unsigned long long>(world.counters().frames_delivered),
              static_cast<unsigned long long>(world.digest()));
  if (!ended || received != document) {
    std::puts("the document did not arrive as it was sent");
    return 1;
  }
  return 0;
}
