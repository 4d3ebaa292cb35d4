// RFC 4987: a listener under ten times the SYNs that it has records for, and the clients that mean
// it. What a flood must not do is seen beside the same world without one.
#include <string>
#include <vector>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"
#include "sim/attacker.hpp"
#include "sim/world.hpp"
#include "support/seeds.hpp"
#include "wire/frame.hpp"

namespace handfast::test {
namespace {

using sim::Node;
using sim::World;
using tcp::SynCookieUse;

constexpr u32 backlog = 128;
constexpr u32 clients = 400;
constexpr Duration every = 7ms;       // a client; in no step with the round trip of 20 ms
constexpr Duration patience = 900ms;  // less than a SYN's retransmission: the first one counts

struct Outcome : trace::Sink {
  void on(Instant, const trace::Event& event) override {
    if (const auto* flood = std::get_if<trace::SynFlood>(&event)) {
      states += std::string(flood->state) + ";";
      sources = std::max(sources, flood->sources);
      rate = std::max(rate, flood->syns_per_second);
    }
  }
  u32 connected = 0;
  u32 half_open_most = 0;
  u64 buffers_most = 0;
  u64 sources = 0;
  u64 rate = 0;
  std::string states{};
  tcp::Counters counters{};
};

asio::awaitable<void> accept_all(Node& node) {
  io::TcpListener listener(node.stack(), {node.address_v4(), 80}, backlog);
  std::vector<io::TcpStream> held;
  for (;;) {
    io::TcpStream stream = co_await listener.async_accept(asio::use_awaitable);
    if (held.size() >= 64) held.erase(held.begin());
    held.push_back(std::move(stream));
  }
}

asio::awaitable<void> call(World& world, Node& node, wire::Endpoint to_whom, u32& connected) {
  std::error_code error;
  const Instant begun = world.now();
  io::TcpStream stream(node.stack());
  co_await stream.async_connect(to_whom, asio::redirect_error(asio::use_awaitable, error));
  if (error || world.now() - begun > patience) co_return;
  // A cookie's connection is only one once the server believes it.
  co_await stream.async_write_some(asio::buffer("x", 1),
                                   asio::redirect_error(asio::use_awaitable, error));
  if (!error) ++connected;
}

asio::awaitable<void> call_all(World& world, Node& node, wire::Endpoint to_whom, u32& connected) {
  for (u32 i = 0; i < clients; ++i) {
    world.spawn(call(world, node, to_whom, connected));
    co_await node.stack().async_sleep(every, asio::use_awaitable);
  }
}

/// `rate` SYNs a second onto the wire to the server, for as long as clients come.
asio::awaitable<void> flood(World& world, Node& clock, sim::Link& link, wire::Endpoint victim,
                            u32 rate, Rng rng) {
  const Instant end = world.now() + clients * every;
  while (world.now() < end) {
    for (u32 i = 0; i < rate / 1000; ++i) {
      sim::Pair::Packet packet = sim::spoofed_syn(rng, victim);
      link.forward().impairment().on_frame(wire::Frame{.header = packet}, world.now());
    }
    co_await clock.stack().async_sleep(1ms, asio::use_awaitable);
  }
}

host::Config behind_gateway(std::string_view name, u8 number, u8 gateway, SynCookieUse use) {
  host::Config config = sim::host_config(name, number, trace::LinkType::ip);
  config.interfaces[0].gateway_v4 = wire::IpAddress::v4(192, 0, 2, gateway);
  config.tcp.syn_cookies = use;
  return config;
}

Outcome run(u64 seed, u32 rate, SynCookieUse use) {
  Outcome outcome;
  World world(seed);
  Node& client = world.add(sim::host_config("client", 1, trace::LinkType::ip));
  Node& server = world.add(behind_gateway("server", 2, 1, use), &outcome);
  sim::Link& link = world.connect(client, server, link::ImpairmentOptions{.delay = 10ms});
  const wire::Endpoint at{server.address_v4(), 80};
  world.spawn(accept_all(server));
  if (rate > 0) world.spawn(flood(world, client, link, at, rate, world.fork_rng()));
  world.spawn(call_all(world, client, at, outcome.connected));
  for (Duration past = 0s; past < clients * every + 5s; past += 50ms) {
    world.run_for(50ms);
    const auto census = server.host().census();
    outcome.half_open_most = std::max(outcome.half_open_most, census.half_open);
    outcome.buffers_most = std::max(outcome.buffers_most, census.buffer_bytes);
  }
  outcome.counters = server.host().tcp_counters();
  return outcome;
}

TEST(Flood, of_ten_times_the_backlog_a_second_keeps_no_client_out) {
  const auto range = seeds_of_shard(0, 1, 5);
  for (u64 seed = range.first; seed < range.last; ++seed) {
    const Outcome calm = run(seed, 0, SynCookieUse::automatic);
    const Outcome flooded = run(seed, 10 * backlog * 10, SynCookieUse::automatic);
    SCOPED_TRACE(replay_command(seed, "sim_tests", "Flood"));
    EXPECT_EQ(calm.connected, clients);
    EXPECT_GE(flooded.connected * 100, calm.connected * 95);
    EXPECT_LE(flooded.half_open_most, backlog) << "memory stays bounded";
    EXPECT_EQ(calm.states, "");
    EXPECT_TRUE(flooded.states.starts_with("began;goes on;")) << flooded.states;
    EXPECT_TRUE(flooded.states.ends_with("ended;")) << flooded.states;
    EXPECT_EQ(flooded.counters.syn_floods, 1u);
    EXPECT_GT(flooded.rate, 10u * backlog);
    const u64 syns = u64{10} * backlog * 10 * to<u64>(clients * every / 1ms) / 1000;
    EXPECT_NEAR(static_cast<double>(flooded.sources), static_cast<double>(syns),
                0.25 * static_cast<double>(syns));
    EXPECT_GT(flooded.counters.syn_cookies_sent, syns / 2);
    EXPECT_GE(flooded.counters.syn_cookies_valid, clients * 9 / 10);
  }
}

TEST(Flood, keeps_clients_out_where_cookies_are_off) {
  const Outcome flooded = run(1, 10 * backlog * 10, SynCookieUse::off);
  EXPECT_LT(flooded.connected * 100, clients * 95) << "else the test above shows nothing";
  EXPECT_LE(flooded.half_open_most, backlog);
  EXPECT_GT(flooded.counters.listen_drops, 1000u);
}

}  // namespace
}  // namespace handfast::test
