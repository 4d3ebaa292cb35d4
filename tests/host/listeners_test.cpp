// Listeners, TIME-WAIT, nobody's segments and the life of handles: RFC 9293 §3.10.7.1 and .2.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/host.hpp"
#include "support/lan.hpp"
#include "support/packets.hpp"
#include "wire/checksum.hpp"

namespace handfast::test {
namespace {

using host::Conn;
using host::Event;
using host::Host;
using tcp::State;
using trace::LinkType;
using wire::Drop;
using wire::TcpFlags;

/// One host on raw IP at 192.0.2.1 that listens on port 80; peers are made by hand.
struct Server {
  explicit Server(u32 backlog = 4, host::Config config = host_config(1, LinkType::ip))
      : host(lan.add(config)), listener(*host.listen(endpoint("192.0.2.1:80"), backlog, lan.now)) {}

  std::optional<wire::TcpSegment> last() const {
    return lan.seen.empty() ? std::nullopt : as_tcp(lan.seen.back(), false);
  }
  void hear(const wire::Endpoint& from, const wire::TcpHeader& header, Bytes payload = {}) {
    lan.inject(tcp_packet(from, endpoint("192.0.2.1:80"), header, payload));
  }
  static wire::Endpoint peer(u16 port) { return {address("192.0.2.9"), port}; }
  void syn(u16 port, u32 sequence = 1000) {
    hear(peer(port), {.sequence = sequence, .flags = TcpFlags::syn, .window = 65535});
  }
  /// The ACK that ends the handshake whose SYN,ACK was the last thing said.
  void finish(u16 port, u32 sequence = 1001) {
    const auto syn_ack = last();
    ASSERT_TRUE(syn_ack && syn_ack->header.has(TcpFlags::syn));
    hear(peer(port), {.sequence = sequence,
                      .acknowledgment = syn_ack->header.sequence + 1,
                      .flags = TcpFlags::ack,
                      .window = 65535});
  }
  void open(u16 port) {
    syn(port);
    finish(port);
  }

  Lan lan;
  Host& host;
  host::Listen listener;
};

TEST(Listener, hands_out_connections_in_the_order_of_their_handshakes) {
  Server server;
  for (const u16 port : {u16{1}, u16{2}, u16{3}}) server.open(port);
  const auto events = Lan::events(server.host);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Event::Kind::acceptable);
  EXPECT_EQ(events[0].listener, server.listener);
  for (const u16 port : {u16{1}, u16{2}, u16{3}}) {
    const auto accepted = server.host.accept(server.listener);
    ASSERT_TRUE(accepted.has_value());
    EXPECT_EQ(server.host.find(*accepted)->flow().remote, Server::peer(port));
    EXPECT_EQ(server.host.find(*accepted)->state(), State::established);
  }
  EXPECT_FALSE(server.host.accept(server.listener).has_value());
}

TEST(Listener, tells_what_came_before_accept_only_after_it) {
  Server server;
  server.open(1);
  server.hear(Server::peer(1),
              {.sequence = 1001,
               .acknowledgment = server.last()->header.sequence + 1,
               .flags = TcpFlags::ack,
               .window = 65535},
              as_bytes("early"));
  EXPECT_EQ(Lan::events(server.host).size(), 1u);
  const auto accepted = server.host.accept(server.listener);
  bool readable = false;
  for (const Event& event : Lan::events(server.host)) {
    EXPECT_EQ(event.connection, *accepted);
    readable |= event.tcp == tcp::Event::readable;
  }
  EXPECT_TRUE(readable);
  EXPECT_EQ(as_text(server.host.find(*accepted)->received()), "early");
}

TEST(Listener, with_a_full_accept_queue_keeps_the_half_open_and_drops_the_ack) {
  Server server(0);  // which is one, as Linux has it
  server.syn(1);
  const auto first = server.last()->header;
  server.syn(2);
  const auto second = server.last()->header;
  const auto ack = [&](u16 port, const wire::TcpHeader& syn_ack) {
    server.hear(Server::peer(port), {.sequence = 1001,
                                     .acknowledgment = syn_ack.sequence + 1,
                                     .flags = TcpFlags::ack,
                                     .window = 65535});
  };
  ack(1, first);
  ack(2, second);
  EXPECT_EQ(dropped(server.host, Drop::accept_queue_full), 1u);
  EXPECT_EQ(server.host.census().half_open, 1u);
  server.syn(3);  // a full queue takes no SYN either
  EXPECT_EQ(dropped(server.host, Drop::accept_queue_full), 2u);
  EXPECT_EQ(server.host.tcp_counters().listen_overflows, 2u);
  EXPECT_EQ(server.host.tcp_counters().listen_drops, 2u);
  // The peer believes that it is connected; the SYN,ACK that comes again makes it say so again.
  server.lan.seen.clear();
  server.lan.run_for(1100ms);
  ASSERT_TRUE(server.last() && server.last()->header.has(TcpFlags::syn));
  ASSERT_TRUE(server.host.accept(server.listener).has_value());
  ack(2, second);
  EXPECT_TRUE(server.host.accept(server.listener).has_value());
  EXPECT_EQ(server.host.census().half_open, 0u);
}

TEST(Listener, with_a_full_accept_queue_takes_the_handshake_by_the_data_that_comes_again) {
  Server server(0);
  server.syn(2);
  const auto second = server.last()->header;
  server.open(1);
  const auto text = [&] {
    server.hear(Server::peer(2),
                {.sequence = 1001,
                 .acknowledgment = second.sequence + 1,
                 .flags = TcpFlags::ack,
                 .window = 65535},
                as_bytes("hello"));
  };
  text();
  EXPECT_EQ(server.host.census().connections, 1u);
  ASSERT_TRUE(server.host.accept(server.listener).has_value());
  text();
  const auto accepted = server.host.accept(server.listener);
  ASSERT_TRUE(accepted.has_value());
  EXPECT_EQ(as_text(server.host.find(*accepted)->received()), "hello");
}

TEST(Listener, resets_what_its_full_accept_queue_cannot_take_where_that_is_wanted) {
  host::Config config = host_config(1, LinkType::ip);
  config.tcp.abort_on_overflow = true;
  Server server(0, config);
  server.syn(2);
  const auto second = server.last()->header;
  server.open(1);
  server.hear(Server::peer(2), {.sequence = 1001,
                                .acknowledgment = second.sequence + 1,
                                .flags = TcpFlags::ack,
                                .window = 65535});
  EXPECT_EQ(server.last()->header.flags, TcpFlags::rst);
  EXPECT_EQ(server.last()->header.sequence, second.sequence + 1);
  EXPECT_EQ(server.host.census().half_open, 0u);
}

host::Config without_cookies(u32 half_open_max) {
  host::Config config = host_config(1, LinkType::ip);
  config.tcp.syn_cookies = tcp::SynCookieUse::off;
  config.tcp.half_open_max = half_open_max;
  return config;
}

TEST(Listener, keeps_no_more_half_open_entries_than_configured) {
  Server server(100, without_cookies(10));
  for (u16 port = 1; port <= 50; ++port) server.syn(port);
  EXPECT_EQ(server.host.census().half_open, 10u);
  EXPECT_EQ(dropped(server.host, Drop::syn_queue_full), 40u);
  EXPECT_EQ(server.host.tcp_counters().listen_drops, 40u);
  server.lan.run_for(300s);
  EXPECT_EQ(server.host.census().half_open, 0u);
}

TEST(Listener, lets_the_oldest_half_open_entry_go_where_that_is_wanted) {
  host::Config config = without_cookies(10);
  config.tcp.half_open_evict = true;
  Server server(100, config);
  for (u16 port = 1; port <= 50; ++port) server.syn(port);
  EXPECT_EQ(server.host.census().half_open, 10u);
  EXPECT_EQ(server.host.tcp_counters().half_open_evicted, 40u);
  server.finish(50);
  EXPECT_TRUE(server.host.accept(server.listener).has_value());
}

TEST(Listener, keeps_no_more_half_open_entries_than_its_backlog) {
  Server server(20, without_cookies(1000));
  for (u16 port = 1; port <= 50; ++port) server.syn(port);
  EXPECT_EQ(server.host.census().half_open, 20u);
}

TEST(Listener, repeats_its_syn_ack_and_forgets_who_never_answers) {
  Server server;
  server.syn(1);
  server.lan.run_for(300s);
  EXPECT_EQ(server.lan.seen.size(), 6u);  // once and five times more
  EXPECT_EQ(server.host.census().half_open, 0u);
  EXPECT_EQ(server.host.deadline(), never);
}

TEST(Listener, a_reset_ends_the_half_open_entry) {
  Server server;
  server.syn(1);
  server.hear(Server::peer(1), {.sequence = 1001, .flags = TcpFlags::rst});
  EXPECT_EQ(server.host.census().half_open, 0u);
  server.open(1);  // and the same peer may try again
  EXPECT_TRUE(server.host.accept(server.listener).has_value());
}

TEST(Listener, refuses_an_ack_out_of_nowhere_and_ignores_a_reset) {
  Server server;
  server.hear(Server::peer(1), {.sequence = 5, .acknowledgment = 77, .flags = TcpFlags::ack});
  ASSERT_TRUE(server.last().has_value());
  EXPECT_EQ(server.last()->header.flags, TcpFlags::rst);
  EXPECT_EQ(server.last()->header.sequence, 77u);
  server.hear(Server::peer(1), {.sequence = 5, .flags = TcpFlags::rst});
  EXPECT_EQ(server.lan.seen.size(), 1u);
}

TEST(Listener, that_closes_resets_what_nobody_accepted) {
  Server server;
  server.open(1);
  server.syn(2);
  server.host.close(server.listener, server.lan.now);
  server.lan.flush();
  ASSERT_TRUE(server.last().has_value());
  EXPECT_TRUE(server.last()->header.has(TcpFlags::rst));
  const auto census = server.host.census();
  EXPECT_EQ(census.connections + census.half_open + census.listeners, 0u);
  EXPECT_FALSE(server.host.accept(server.listener).has_value());
  EXPECT_TRUE(Lan::events(server.host).empty());
}

TEST(Listener, takes_a_free_port_where_none_is_named_and_no_port_twice) {
  Server server;
  const auto any = server.host.listen(endpoint("0.0.0.0:0"), 1, server.lan.now);
  ASSERT_TRUE(any.has_value());
  EXPECT_GE(server.host.local_endpoint(*any).port, 32768);
  EXPECT_EQ(server.host.listen(endpoint("192.0.2.1:80"), 1, server.lan.now).error(),
            tcp::Errc::in_use);
  EXPECT_EQ(server.host.listen(endpoint("192.0.2.7:80"), 1, server.lan.now).error(),
            tcp::Errc::no_route);
  const auto wide = server.host.listen(endpoint("0.0.0.0:80"), 1, server.lan.now);
  ASSERT_TRUE(wide.has_value());
  server.open(1);
  EXPECT_TRUE(server.host.accept(server.listener).has_value());  // the exact one goes first
  EXPECT_FALSE(server.host.accept(*wide).has_value());
}

TEST(Listener, can_turn_into_a_caller) {
  Server server;
  const auto caller =
      server.host.connect(server.listener, endpoint("192.0.2.9:99"), server.lan.now);
  ASSERT_TRUE(caller.has_value());
  server.lan.flush();
  EXPECT_EQ(server.last()->header.flags & TcpFlags::syn, TcpFlags::syn);
  EXPECT_EQ(server.host.find(*caller)->flow().local, endpoint("192.0.2.1:80"));
  EXPECT_EQ(server.host.find(*caller)->state(), State::syn_sent);
  EXPECT_EQ(server.host.census().listeners, 0u);
}

TEST(Listener, a_syn_to_a_group_is_nobodys) {
  Server server;
  server.lan.inject(tcp_packet(Server::peer(1), endpoint("192.0.2.255:80"),
                               {.sequence = 1, .flags = TcpFlags::syn, .window = 100}));
  EXPECT_TRUE(server.lan.seen.empty());
  EXPECT_EQ(server.host.census().half_open, 0u);
}

// RFC 9293 §3.10.7.1.
TEST(Nobody, answers_with_a_reset_that_the_sender_must_believe) {
  Server server;
  const auto to_nobody = [&](const wire::TcpHeader& header, Bytes payload) {
    server.lan.seen.clear();
    server.lan.inject(tcp_packet(Server::peer(1), endpoint("192.0.2.1:81"), header, payload));
    return server.last();
  };
  const auto to_syn = to_nobody({.sequence = 100, .flags = TcpFlags::syn, .window = 1}, {});
  ASSERT_TRUE(to_syn.has_value());
  EXPECT_EQ(to_syn->header.flags, TcpFlags::rst | TcpFlags::ack);
  EXPECT_EQ(to_syn->header.sequence, 0u);
  EXPECT_EQ(to_syn->header.acknowledgment, 101u);
  const auto to_data = to_nobody({.sequence = 100, .flags = TcpFlags::fin}, as_bytes("abc"));
  ASSERT_TRUE(to_data.has_value());
  EXPECT_EQ(to_data->header.acknowledgment, 104u);
  const auto to_ack =
      to_nobody({.sequence = 100, .acknowledgment = 555, .flags = TcpFlags::ack}, as_bytes("abc"));
  ASSERT_TRUE(to_ack.has_value());
  EXPECT_EQ(to_ack->header.flags, TcpFlags::rst);
  EXPECT_EQ(to_ack->header.sequence, 555u);
  EXPECT_FALSE(to_nobody({.sequence = 100, .flags = TcpFlags::rst}, {}).has_value());
  EXPECT_EQ(server.host.counters().resets_to_nobody, 3u);
}

/// Opens, and lets the server close first, so that TIME-WAIT is on its side.
Conn into_time_wait(Server& server) {
  server.open(1);
  const Conn accepted = server.host.accept(server.listener).value_or(Conn{});
  server.host.find(accepted)->close(server.lan.now);
  server.host.touch(accepted, server.lan.now);
  server.lan.flush();
  const auto fin = server.last()->header;
  EXPECT_TRUE(fin.has(TcpFlags::fin));
  server.hear(Server::peer(1), {.sequence = 1001,
                                .acknowledgment = fin.sequence + 1,
                                .flags = TcpFlags::fin | TcpFlags::ack,
                                .window = 65535});
  EXPECT_EQ(server.host.find(accepted)->state(), State::time_wait);
  EXPECT_EQ(server.host.census().time_wait, 1u);
  return accepted;
}

TEST(TimeWait, acknowledges_a_fin_that_comes_again_and_starts_over) {
  Server server;
  into_time_wait(server);
  const auto ack = server.last()->header;
  server.lan.run_for(50s);
  server.lan.seen.clear();
  server.hear(Server::peer(1), {.sequence = 1001,
                                .acknowledgment = ack.sequence,
                                .flags = TcpFlags::fin | TcpFlags::ack,
                                .window = 65535});
  ASSERT_TRUE(server.last().has_value());
  EXPECT_EQ(server.last()->header.acknowledgment, 1002u);
  server.lan.run_for(50s);
  EXPECT_EQ(server.host.census().time_wait, 1u);
  server.lan.run_for(11s);
  EXPECT_EQ(server.host.census().time_wait, 0u);
}

TEST(TimeWait, is_left_for_a_newer_syn) {
  Server server;
  const Conn old = into_time_wait(server);
  server.syn(1, 500'000);
  EXPECT_EQ(server.host.census().time_wait, 0u);
  ASSERT_TRUE(server.last()->header.has(TcpFlags::syn));
  server.finish(1, 500'001);
  const auto next = server.host.accept(server.listener);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(server.host.find(*next)->state(), State::established);
  // The old one is still there to be read, and is another.
  EXPECT_NE(*next, old);
  EXPECT_EQ(server.host.find(old)->state(), State::time_wait);
}

TEST(TimeWait, stays_for_an_older_syn) {
  Server server;
  into_time_wait(server);
  server.syn(1, 900);
  EXPECT_EQ(server.host.census().time_wait, 1u);
  EXPECT_FALSE(server.last()->header.has(TcpFlags::syn));
}

TEST(TimeWait, records_are_bounded_and_the_oldest_goes) {
  host::Config config = host_config(1, LinkType::ip);
  config.tcp.time_wait_max = 1;
  Server server(4, config);
  into_time_wait(server);
  server.syn(2);
  server.finish(2);
  const Conn accepted = server.host.accept(server.listener).value_or(Conn{});
  server.host.find(accepted)->close(server.lan.now);
  server.host.touch(accepted, server.lan.now);
  server.lan.flush();
  server.hear(Server::peer(2), {.sequence = 1001,
                                .acknowledgment = server.last()->header.sequence + 1,
                                .flags = TcpFlags::fin | TcpFlags::ack,
                                .window = 65535});
  EXPECT_EQ(server.host.census().time_wait, 1u);
  EXPECT_EQ(
      server.host.tcp_counters().edges_taken[*tcp::find_edge(State::time_wait, State::closed)], 1u);
}

TEST(Handles, kept_too_long_find_nothing_and_nobody_else) {
  Server server;
  server.open(1);
  const Conn first = server.host.accept(server.listener).value_or(Conn{});
  server.host.find(first)->abort(server.lan.now);
  server.host.release(first, server.lan.now);
  server.lan.flush();
  EXPECT_EQ(server.host.find(first), nullptr);
  EXPECT_EQ(server.host.census().connections, 0u);
  server.open(2);
  const Conn second = server.host.accept(server.listener).value_or(Conn{});
  EXPECT_EQ(second.index, first.index);  // the slot is used again
  EXPECT_EQ(server.host.find(first), nullptr);
  EXPECT_NE(server.host.find(second), nullptr);
  server.host.touch(first, server.lan.now);
  server.host.release(first, server.lan.now);
  EXPECT_NE(server.host.find(second), nullptr);
}

TEST(Release, of_an_open_connection_lets_it_finish_on_its_own) {
  Server server;
  server.open(1);
  const Conn accepted = server.host.accept(server.listener).value_or(Conn{});
  server.host.release(accepted, server.lan.now);
  server.lan.flush();
  const auto fin = server.last()->header;
  ASSERT_TRUE(fin.has(TcpFlags::fin));
  EXPECT_EQ(server.host.census().connections, 1u);
  server.hear(Server::peer(1), {.sequence = 1001,
                                .acknowledgment = fin.sequence + 1,
                                .flags = TcpFlags::fin | TcpFlags::ack,
                                .window = 65535});
  EXPECT_EQ(server.host.census().connections, 0u);
  EXPECT_EQ(server.host.census().time_wait, 1u);
  EXPECT_EQ(server.last()->header.acknowledgment, 1002u);
}

TEST(Connect, without_a_route_or_a_port_is_refused_at_once) {
  Server server;
  for (const char* to : {"203.0.113.1:80", "192.0.2.255:80", "224.0.0.1:80", "192.0.2.9:0"})
    EXPECT_EQ(server.host.connect(endpoint(to), server.lan.now).error(), tcp::Errc::no_route) << to;
  EXPECT_EQ(server.host.census().connections, 0u);
}

TEST(Connect, uses_each_port_once_for_the_same_peer) {
  host::Config config = host_config(1, LinkType::ip);
  config.ephemeral_port_first = 40000;
  config.ephemeral_port_last = 40009;
  Server server(1, config);
  std::vector<u16> ports;
  for (int i = 0; i < 10; ++i) {
    const auto made = server.host.connect(endpoint("192.0.2.9:80"), server.lan.now);
    ASSERT_TRUE(made.has_value());
    ports.push_back(server.host.find(*made)->flow().local.port);
  }
  std::ranges::sort(ports);
  for (u16 i = 0; i < 10; ++i) EXPECT_EQ(ports[i], 40000 + i);
  EXPECT_EQ(server.host.connect(endpoint("192.0.2.9:80"), server.lan.now).error(),
            tcp::Errc::in_use);
  EXPECT_TRUE(server.host.connect(endpoint("192.0.2.8:80"), server.lan.now).has_value());
}

TEST(Connect, more_than_connections_max_is_refused) {
  host::Config config = host_config(1, LinkType::ip);
  config.connections_max = 2;
  Server server(4, config);
  EXPECT_TRUE(server.host.connect(endpoint("192.0.2.9:80"), server.lan.now).has_value());
  EXPECT_TRUE(server.host.connect(endpoint("192.0.2.9:80"), server.lan.now).has_value());
  EXPECT_EQ(server.host.connect(endpoint("192.0.2.9:80"), server.lan.now).error(),
            tcp::Errc::no_memory);
  server.open(1);
  EXPECT_FALSE(server.host.accept(server.listener).has_value());
}

TEST(Connect, to_ourselves_goes_round_inside) {
  for (const char* to : {"127.0.0.1:8080", "192.0.2.1:8080", "[::1]:8080"}) {
    Server server;
    const auto any = endpoint(to).address.is_v4() ? "0.0.0.0:8080" : "[::]:8080";
    const auto listener = *server.host.listen(endpoint(any), 4, server.lan.now);
    const Conn active = *server.host.connect(endpoint(to), server.lan.now);
    server.lan.flush();
    const auto passive = server.host.accept(listener);
    ASSERT_TRUE(passive.has_value()) << to;
    EXPECT_EQ(server.host.find(active)->state(), State::established);
    const MutBytes space = server.host.find(active)->send_space(5);
    std::ranges::copy(as_bytes("hello"), space.begin());
    server.host.find(active)->send(5);
    server.host.touch(active, server.lan.now);
    server.lan.flush();
    EXPECT_EQ(as_text(server.host.find(*passive)->received()), "hello");
    EXPECT_TRUE(server.lan.seen.empty());
  }
}

// A device that splits and sums itself gets super-segments with the pseudo-header's sum.
TEST(Offload, gives_super_segments_to_a_device_that_splits_them) {
  host::Config config = host_config(1, LinkType::ip);
  config.interfaces[0].checksum_offload = true;
  config.interfaces[0].segment_bytes_max = 65535;
  Server server(4, config);
  server.open(1);
  const Conn accepted = server.host.accept(server.listener).value_or(Conn{});
  const MutBytes space = server.host.find(accepted)->send_space(20000);
  std::ranges::fill(space, u8{'s'});
  server.host.find(accepted)->send(to<u32>(space.size()));
  server.host.touch(accepted, server.lan.now);
  std::array<u8, wire::Frame::header_room> room;
  wire::Frame frame{.header = room};
  ASSERT_EQ(server.host.poll_transmit(0, {&frame, 1}, server.lan.now), 1u);
  EXPECT_TRUE(frame.checksum_offloaded);
  EXPECT_GT(frame.segment_size, 0);
  const std::size_t payload = frame.payload[0].size() + frame.payload[1].size();
  EXPECT_GT(payload, frame.segment_size);
  // The device completes the sum: over the segment from its header on, field included.
  Packet segment(frame.header.begin() + wire::ipv4_header_size, frame.header.end());
  for (const Bytes piece : frame.payload) segment.insert(segment.end(), piece.begin(), piece.end());
  const u16 sum = wire::checksum(segment);
  segment[16] = to<u8>(sum >> 8);
  segment[17] = to<u8>(sum);
  EXPECT_TRUE(wire::parse_tcp(segment, address("192.0.2.1"), address("192.0.2.9")).has_value());
}

}  // namespace
}  // namespace handfast::test
