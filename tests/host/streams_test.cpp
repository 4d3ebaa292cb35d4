// TCP over a host: open, transfer, close, over each medium and version.
#include <string>

#include <gtest/gtest.h>

#include "host/host.hpp"
#include "support/lan.hpp"

namespace handfast::test {
namespace {

using host::Conn;
using host::Event;
using host::Host;
using tcp::State;

std::string text_of(u32 size) {
  std::string text(size, ' ');
  for (u32 i = 0; i < size; ++i) text[i] = to<char>('a' + i * 7 % 26);
  return text;
}

struct World {
  explicit World(trace::LinkType link_type, const tcp::Config& tcp = {}) {
    host::Config one = host_config(1, link_type);
    host::Config two = host_config(2, link_type);
    one.tcp = tcp;
    two.tcp = tcp;
    client = &lan.add(one);
    server = &lan.add(two);
  }
  World(const host::Config& one, const host::Config& two)
      : client(&lan.add(one)), server(&lan.add(two)) {}
  /// A connection of both ends, established.
  std::pair<Conn, Conn> open(std::string_view where) {
    listener = *server->listen(endpoint(where), 16, lan.now);
    const Conn active = *client->connect(endpoint(where), lan.now);
    lan.run_for(100ms);
    const auto passive = server->accept(listener);
    EXPECT_TRUE(passive.has_value());
    return {active, passive.value_or(Conn{})};
  }
  /// Sends `text` from one end while the other reads until the end; what it read.
  std::string transfer(Host& from, Conn source, Host& into, Conn sink, std::string_view text) {
    std::string received;
    u32 sent = 0;
    for (int rounds = 0; rounds < 100000 && received.size() < text.size(); ++rounds) {
      while (sent < text.size()) {
        const MutBytes space = from.find(source)->send_space(to<u32>(text.size()) - sent);
        if (space.empty()) break;
        std::ranges::copy(as_bytes(text.substr(sent, space.size())), space.begin());
        from.find(source)->send(to<u32>(space.size()));
        sent += to<u32>(space.size());
      }
      from.touch(source, lan.now);
      lan.run_for(1ms);
      while (!into.find(sink)->received().empty()) {
        const Bytes piece = into.find(sink)->received();
        received += as_text(piece);
        into.find(sink)->consume(to<u32>(piece.size()), lan.now);
        into.touch(sink, lan.now);
        lan.flush();
      }
    }
    return received;
  }
  void close(Host& host, Conn connection) {
    host.find(connection)->close(lan.now);
    host.touch(connection, lan.now);
    lan.run_for(50ms);
  }

  Lan lan;
  Host* client = nullptr;
  Host* server = nullptr;
  host::Listen listener{};
};

// A device that does not split: the host asks a connection for much at a time, and splits itself.
class SplitByTheHost : public testing::TestWithParam<std::pair<trace::LinkType, const char*>> {
 protected:
  static host::Config splitting(u8 n) {
    host::Config config = host_config(n, GetParam().first);
    config.interfaces[0].segment_bytes_max = 65535;
    config.tcp.ecn = tcp::Ecn::active;
    return config;
  }
  World world_{splitting(1), splitting(2)};
};

TEST_P(SplitByTheHost, a_super_segment_leaves_as_frames_that_the_wire_takes) {
  const auto [active, passive] = world_.open(GetParam().second);
  world_.lan.seen.clear();
  const u64 before = world_.client->tcp_counters().segments_out;
  const std::string text = text_of(300'000);
  EXPECT_EQ(world_.transfer(*world_.client, active, *world_.server, passive, text), text);
  std::size_t full = 0;
  for (const Packet& frame : world_.lan.seen) {
    EXPECT_LE(frame.size(), 1500u + wire::ethernet_header_size);
    if (frame.size() >= 1500) ++full;
  }
  EXPECT_GT(full, 200u);
  EXPECT_LT(world_.client->tcp_counters().segments_out - before, full / 2);
  EXPECT_EQ(world_.client->tcp_counters().segments_retransmitted, 0u);
}

TEST_P(SplitByTheHost, what_is_lost_of_a_super_segment_is_repaired) {
  world_.lan.lose = [](Bytes frame) {
    static u32 count = 0;
    return frame.size() > 500 && ++count % 19 == 0;
  };
  const auto [active, passive] = world_.open(GetParam().second);
  const std::string text = text_of(300'000);
  EXPECT_EQ(world_.transfer(*world_.client, active, *world_.server, passive, text), text);
  EXPECT_GT(world_.client->tcp_counters().segments_retransmitted, 5u);
  EXPECT_EQ(world_.server->counters().drops[to<u8>(wire::Drop::bad_checksum)], 0u);
  world_.close(*world_.client, active);
  EXPECT_EQ(world_.server->find(passive)->state(), State::close_wait);
}

INSTANTIATE_TEST_SUITE_P(Media, SplitByTheHost,
                         testing::Values(std::pair{trace::LinkType::ip, "192.0.2.2:80"},
                                         std::pair{trace::LinkType::ethernet, "[2001:db8::2]:80"}));

class OverEachMedium : public testing::TestWithParam<std::pair<trace::LinkType, const char*>> {};

TEST_P(OverEachMedium, a_stream_is_opened_delivered_both_ways_and_closed) {
  World world(GetParam().first);
  const auto [active, passive] = world.open(GetParam().second);
  ASSERT_EQ(world.client->find(active)->state(), State::established);
  ASSERT_EQ(world.server->find(passive)->state(), State::established);
  const std::string text = text_of(300'000);
  EXPECT_EQ(world.transfer(*world.client, active, *world.server, passive, text), text);
  EXPECT_EQ(world.transfer(*world.server, passive, *world.client, active, text), text);

  world.close(*world.client, active);
  EXPECT_EQ(world.server->find(passive)->state(), State::close_wait);
  world.close(*world.server, passive);
  EXPECT_EQ(world.server->find(passive)->state(), State::closed);
  EXPECT_EQ(world.client->find(active)->state(), State::time_wait);
  EXPECT_EQ(world.client->census().time_wait, 1u);
  world.client->release(active, world.lan.now);
  world.server->release(passive, world.lan.now);
  world.lan.run_for(61s);
  EXPECT_EQ(world.client->census().time_wait, 0u);
  EXPECT_EQ(world.client->census().connections, 0u);
  EXPECT_EQ(world.server->census().connections, 0u);
  EXPECT_EQ(world.client->census().buffer_bytes, 0u);
  EXPECT_EQ(world.server->census().buffer_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Tcp, OverEachMedium,
                         testing::Values(std::pair(trace::LinkType::ethernet, "192.0.2.2:80"),
                                         std::pair(trace::LinkType::ethernet, "[2001:db8::2]:80"),
                                         std::pair(trace::LinkType::ip, "192.0.2.2:80"),
                                         std::pair(trace::LinkType::ip, "[2001:db8::2]:80")));

}  // namespace
}  // namespace handfast::test
