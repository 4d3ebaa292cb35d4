// The simulator itself: time, wires, switches, partitions, crashes.
#include "sim/world.hpp"

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "sim/transfer.hpp"

namespace handfast::test {
namespace {

using sim::Node;
using sim::World;

asio::awaitable<void> serve_once(Node& node, std::string& heard) {
  io::TcpListener listener(node.stack(), {node.address_v4(), 7});
  io::TcpStream stream = co_await listener.async_accept(asio::use_awaitable);
  std::array<char, 64> buffer;
  std::error_code error;
  for (;;) {
    const std::size_t size = co_await stream.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    heard.append(buffer.data(), size);
  }
  if (error != asio::error::eof) heard += "[" + error.message() + "]";
}

asio::awaitable<void> say(Node& node, wire::Endpoint to, std::string text, std::string& outcome) {
  std::error_code error;
  io::TcpStream stream(node.stack());
  co_await stream.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
  if (!error)
    co_await stream.async_write_some(asio::buffer(text),
                                     asio::redirect_error(asio::use_awaitable, error));
  outcome = error ? error.message() : "said";
}

TEST(World, without_anything_in_it_rests) {
  World world(1);
  EXPECT_EQ(world.deadline(), never);
  EXPECT_FALSE(world.run_until([] { return false; }, 1h));
}

TEST(World, lets_time_pass_as_asked) {
  World world(1);
  const Instant before = world.now();
  world.run_for(90s);
  EXPECT_EQ(world.now() - before, 90s);
}

TEST(World, runs_sleeping_applications_in_virtual_time) {
  World world(1);
  Node& node = world.add(sim::host_config("alone", 1));
  Instant woke{};
  world.spawn([](World& w, Node& n, Instant& at) -> asio::awaitable<void> {
    co_await n.stack().async_sleep(5s, asio::use_awaitable);
    at = w.now();
  }(world, node, woke));
  world.run_for(10s);
  EXPECT_EQ(woke.time_since_epoch(), 5s);
}

TEST(World, takes_as_long_as_its_wires) {
  World world(1);
  Node& a = world.add(sim::host_config("a", 1));
  Node& b = world.add(sim::host_config("b", 2));
  world.connect(a, b, link::ImpairmentOptions{.delay = 30ms});
  std::string heard, outcome;
  world.spawn(serve_once(b, heard));
  world.spawn(say(a, {b.address_v4(), 7}, "hello", outcome));
  ASSERT_TRUE(world.run_until([&] { return outcome == "said"; }, 1s));
  EXPECT_EQ(world.now().time_since_epoch(), 60ms) << "SYN and SYN,ACK";
  ASSERT_TRUE(world.run_until([&] { return heard == "hello"; }, 1s));
  EXPECT_EQ(world.now().time_since_epoch(), 90ms);
}

TEST(World, rethrows_what_an_application_throws) {
  World world(1);
  world.spawn([]() -> asio::awaitable<void> {
    throw std::runtime_error("out");
    co_return;
  }());
  EXPECT_THROW(world.run_for(1s), std::runtime_error);
}

TEST(World, can_end_in_the_middle_of_everything) {
  std::string heard, outcome;
  World world(1);
  Node& a = world.add(sim::host_config("a", 1));
  Node& b = world.add(sim::host_config("b", 2));
  world.connect(a, b, link::ImpairmentOptions{.delay = 30ms});
  world.spawn(serve_once(b, heard));
  world.spawn(say(a, {b.address_v4(), 7}, "hello", outcome));
  world.run_for(45ms);
  EXPECT_EQ(outcome, "");
}

TEST(Switch, connects_more_than_two_hosts) {
  World world(3);
  sim::Switch& hub = world.add_switch();
  std::vector<Node*> nodes;
  for (u8 i = 1; i <= 5; ++i) {
    nodes.push_back(
        &world.add(sim::host_config("host " + std::to_string(i), i, trace::LinkType::ethernet)));
    world.connect(*nodes.back(), hub, link::ImpairmentOptions{.delay = 1ms});
  }
  std::array<std::string, 5> heard, outcomes;
  for (std::size_t i = 0; i < 5; ++i) {
    world.spawn(serve_once(*nodes[i], heard[i]));
    world.spawn(
        say(*nodes[(i + 1) % 5], {nodes[i]->address_v4(), 7}, std::to_string(i), outcomes[i]));
  }
  world.run_for(10s);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(heard[i], std::to_string(i));
}

TEST(Partition, is_outlived_by_a_connection_once_it_heals) {
  World world(4);
  Node& a = world.add(sim::host_config("a", 1));
  Node& b = world.add(sim::host_config("b", 2));
  sim::Link& link = world.connect(a, b, link::ImpairmentOptions{.delay = 10ms});
  sim::Transfer transfer(world, a, b, {.connections_max = 1}, Rng(5));
  world.run_until([&] { return a.host().census().connections > 0; }, 10s);
  link.partition();
  world.run_for(20s);
  EXPECT_FALSE(transfer.done());
  link.heal();
  EXPECT_TRUE(world.run_until([&] { return transfer.succeeded(); }, 10min)) << transfer.report();
}

TEST(Crash, aborts_what_waits_and_is_found_out_by_the_peer) {
  World world(6);
  Node& a = world.add(sim::host_config("a", 1));
  Node& b = world.add(sim::host_config("b", 2));
  world.connect(a, b, link::ImpairmentOptions{.delay = 10ms});
  std::string heard;
  world.spawn(serve_once(b, heard));
  io::TcpStream stream(a.stack());
  std::error_code peer_error;
  world.spawn([](Node& to, io::TcpStream& s, std::error_code& out) -> asio::awaitable<void> {
    co_await s.async_connect(wire::Endpoint{to.address_v4(), 7}, asio::use_awaitable);
    std::array<char, 8> buffer{};
    co_await s.async_write_some(asio::buffer(buffer), asio::use_awaitable);
    co_await s.async_read_some(asio::buffer(buffer),
                               asio::redirect_error(asio::use_awaitable, out));
  }(b, stream, peer_error));
  world.run_for(1s);
  EXPECT_EQ(heard.size(), 8u);
  b.crash();
  EXPECT_FALSE(b.is_up());
  world.run_for(1s);
  EXPECT_NE(heard.find("["), std::string::npos) << "the application's read was aborted";
  b.reboot();
  std::array<char, 1> byte{'x'};
  world.spawn([](io::TcpStream& s, std::array<char, 1>& one) -> asio::awaitable<void> {
    co_await s.async_write_some(asio::buffer(one), asio::use_awaitable);
  }(stream, byte));
  world.run_for(1s);
  // RFC 9293 §3.5.1: the reborn host knows nothing of the connection and resets it.
  EXPECT_EQ(peer_error, std::errc::connection_reset) << peer_error.message();
}

TEST(Trace, hears_of_every_frame_of_its_node) {
  struct Count final : trace::Sink {
    void on(Instant, const trace::Event& event) override {
      sent += std::holds_alternative<trace::FrameSent>(event);
      received += std::holds_alternative<trace::FrameReceived>(event);
    }
    u64 sent = 0, received = 0;
  } count;
  World world(7);
  Node& a = world.add(sim::host_config("a", 1), &count);
  Node& b = world.add(sim::host_config("b", 2));
  world.connect(a, b, link::ImpairmentOptions{.delay = 1ms});
  std::string heard, outcome;
  world.spawn(serve_once(b, heard));
  world.spawn(say(a, {b.address_v4(), 7}, "hello", outcome));
  world.run_for(5min);
  EXPECT_EQ(heard, "hello");
  EXPECT_EQ(count.sent + count.received, world.counters().frames_delivered);
  EXPECT_GE(count.sent, 3u);
}

}  // namespace
}  // namespace handfast::test
