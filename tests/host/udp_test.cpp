// UDP sockets: RFC 768, RFC 1122 §4.1, and the group messages of RFC 2236 and RFC 2710.
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "host/datagram_queue.hpp"
#include "host/host.hpp"
#include "support/lan.hpp"
#include "support/packets.hpp"
#include "wire/checksum.hpp"

namespace handfast::test {
namespace {

using host::Host;
using host::Udp;
using trace::LinkType;
using wire::Drop;

struct Pair {
  explicit Pair(LinkType link_type = LinkType::ethernet, host::Config tune = {})
      : one(lan.add(host_config(1, link_type))), two(lan.add(configured(2, link_type, tune))) {}
  static host::Config configured(u8 n, LinkType link_type, const host::Config& tune) {
    host::Config config = host_config(n, link_type);
    config.udp_queue_max = tune.udp_queue_max;
    return config;
  }
  Udp open(Host& host, std::string_view where) {
    const auto socket = host.udp_open(endpoint(where), lan.now);
    EXPECT_TRUE(socket.has_value()) << where;
    return socket.value_or(Udp{});
  }
  void send(Udp from, std::string_view where, Bytes payload) {
    EXPECT_TRUE(one.udp_send(from, endpoint(where), payload, lan.now).has_value()) << where;
    lan.run_for(20ms);
  }
  Lan lan;
  Host& one;
  Host& two;
};

TEST(UdpSockets, a_datagram_arrives_with_both_endpoints) {
  for (const auto link_type : {LinkType::ethernet, LinkType::ip}) {
    Pair pair(link_type);
    for (const auto& [any, to] :
         {std::pair("0.0.0.0:0", "192.0.2.2:7000"), std::pair("[::]:0", "[2001:db8::2]:7000")}) {
      const Udp from = pair.open(pair.one, any);
      const Udp at = pair.open(pair.two, to);
      pair.send(from, to, as_bytes("hello"));
      const auto events = Lan::events(pair.two);
      ASSERT_EQ(events.size(), 1u);
      EXPECT_EQ(events[0].kind, host::Event::Kind::datagram);
      EXPECT_EQ(events[0].udp, at);
      const auto got = pair.two.udp_receive(at);
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(as_text(got->payload), "hello");
      EXPECT_EQ(got->destination, endpoint(to));
      EXPECT_EQ(got->source.port, pair.one.local_endpoint(from).port);
      EXPECT_FALSE(pair.two.udp_receive(at).has_value());
    }
  }
}

TEST(UdpSockets, the_largest_datagram_goes_in_fragments_and_comes_whole) {
  for (const char* to : {"192.0.2.2:7000", "[2001:db8::2]:7000"}) {
    Pair pair;
    const bool v4 = endpoint(to).address.is_v4();
    const Udp from = pair.open(pair.one, v4 ? "0.0.0.0:0" : "[::]:0");
    const Udp at = pair.open(pair.two, to);
    pair.send(from, to, as_bytes("so that the address is known"));
    ASSERT_TRUE(pair.two.udp_receive(at).has_value());
    const std::string data(65507, 'x');
    pair.send(from, to, as_bytes(data));
    const auto got = pair.two.udp_receive(at);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(as_text(got->payload), data);
    for (const Packet& frame : pair.lan.seen) EXPECT_LE(frame.size(), 1514u);
    const auto more = pair.one.udp_send(from, endpoint(to), Packet(65508), pair.lan.now);
    ASSERT_FALSE(more.has_value());
    EXPECT_EQ(more.error(), tcp::Errc::message_size);
  }
}

TEST(UdpSockets, an_exact_address_goes_before_every_address) {
  Pair pair;
  const Udp from = pair.open(pair.one, "0.0.0.0:0");
  const Udp wide = pair.open(pair.two, "0.0.0.0:7000");
  const Udp exact = pair.open(pair.two, "192.0.2.2:7000");
  pair.send(from, "192.0.2.2:7000", as_bytes("x"));
  EXPECT_TRUE(pair.two.udp_receive(exact).has_value());
  EXPECT_FALSE(pair.two.udp_receive(wide).has_value());
  pair.two.udp_close(exact);
  pair.send(from, "192.0.2.2:7000", as_bytes("x"));
  EXPECT_TRUE(pair.two.udp_receive(wide).has_value());
}

TEST(UdpSockets, broadcasts_reach_every_socket_of_the_port) {
  for (const char* to : {"255.255.255.255:7000", "192.0.2.255:7000"}) {
    Pair pair;
    const Udp from = pair.open(pair.one, "0.0.0.0:0");
    const Udp wide = pair.open(pair.two, "0.0.0.0:7000");
    const Udp exact = pair.open(pair.two, "192.0.2.2:7000");
    pair.send(from, to, as_bytes("all"));
    EXPECT_EQ(wire::parse_ethernet(pair.lan.seen[0])->header.destination, wire::mac_broadcast);
    EXPECT_TRUE(pair.two.udp_receive(wide).has_value());
    EXPECT_TRUE(pair.two.udp_receive(exact).has_value());
  }
}

TEST(UdpSockets, groups_reach_who_joined_and_routers_are_told) {
  for (const char* to : {"239.1.2.3:7000", "[ff05::1234]:7000"}) {
    Pair pair;
    const bool v4 = endpoint(to).address.is_v4();
    const Udp from = pair.open(pair.one, v4 ? "0.0.0.0:0" : "[::]:0");
    const Udp member = pair.open(pair.two, v4 ? "0.0.0.0:7000" : "[::]:7000");
    pair.send(from, to, as_bytes("unheard"));
    EXPECT_FALSE(pair.two.udp_receive(member).has_value());
    pair.lan.seen.clear();
    ASSERT_TRUE(pair.two.join(member, endpoint(to).address, 0, pair.lan.now).has_value());
    pair.lan.flush();
    ASSERT_EQ(pair.lan.seen.size(), 1u);  // the report
    const auto report = as_ip(pair.lan.seen[0], true);
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(report->header.destination, endpoint(to).address);
    EXPECT_EQ(report->header.hop_limit, 1);
    EXPECT_EQ(report->header_size, v4 ? 24 : 48);  // with Router Alert
    EXPECT_EQ(report->payload[0], v4 ? 0x16 : 131);
    pair.send(from, to, as_bytes("heard"));
    const auto got = pair.two.udp_receive(member);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(as_text(got->payload), "heard");
    pair.lan.seen.clear();
    pair.lan.run_for(11s);  // it is said once more, in case the first was lost
    EXPECT_EQ(pair.lan.seen.size(), 1u);
    pair.lan.seen.clear();
    pair.two.udp_close(member);
    pair.lan.flush();
    ASSERT_EQ(pair.lan.seen.size(), 1u);
    EXPECT_EQ(as_ip(pair.lan.seen[0], true)->payload[0], v4 ? 0x17 : 132);
  }
}

TEST(UdpSockets, a_general_query_is_answered_within_its_time) {
  Pair pair;
  const Udp member = pair.open(pair.two, "0.0.0.0:7000");
  ASSERT_TRUE(pair.two.join(member, address("239.1.2.3"), 0, pair.lan.now).has_value());
  pair.lan.run_for(20s);
  pair.lan.seen.clear();
  Packet query{0x11, 10, 0, 0, 0, 0, 0, 0};  // within a second
  const u16 sum = wire::checksum(query);
  query[2] = to<u8>(sum >> 8);
  query[3] = to<u8>(sum);
  const auto all = address("224.0.0.1");
  pair.two.on_frame(
      0,
      framed(wire::multicast_mac(all), mac(9),
             ip({.source = address("192.0.2.9"), .destination = all, .protocol = 2, .hop_limit = 1},
                query)),
      pair.lan.now);
  pair.lan.run_for(1s);
  ASSERT_EQ(pair.lan.seen.size(), 1u);
  EXPECT_EQ(as_ip(pair.lan.seen[0], true)->header.destination, address("239.1.2.3"));
}

TEST(UdpSockets, a_full_queue_drops_and_takes_again_once_read) {
  Pair pair(LinkType::ip, {.udp_queue_max = 5000});
  const Udp from = pair.open(pair.one, "0.0.0.0:0");
  const Udp at = pair.open(pair.two, "192.0.2.2:7000");
  const Packet data(1000, 'd');
  for (int i = 0; i < 10; ++i) pair.send(from, "192.0.2.2:7000", data);
  EXPECT_EQ(dropped(pair.two, Drop::queue_full), 6u);
  int received = 0;
  while (pair.two.udp_receive(at)) ++received;
  EXPECT_EQ(received, 4);
  pair.send(from, "192.0.2.2:7000", data);
  EXPECT_TRUE(pair.two.udp_receive(at).has_value());
}

TEST(UdpSockets, to_ourselves_go_round_inside) {
  Pair pair;
  const Udp from = pair.open(pair.one, "0.0.0.0:0");
  const Udp at = pair.open(pair.one, "0.0.0.0:7000");
  for (const char* to : {"127.0.0.1:7000", "192.0.2.1:7000"}) {
    pair.send(from, to, as_bytes("me"));
    ASSERT_TRUE(pair.one.udp_receive(at).has_value()) << to;
  }
  EXPECT_TRUE(pair.lan.seen.empty());
}

TEST(UdpSockets, wrong_use_is_answered_with_the_reason) {
  Pair pair;
  const Udp socket = pair.open(pair.one, "0.0.0.0:7000");
  const Instant now = pair.lan.now;
  EXPECT_EQ(pair.one.udp_open(endpoint("0.0.0.0:7000"), now).error(), tcp::Errc::in_use);
  EXPECT_EQ(pair.one.udp_open(endpoint("203.0.113.1:7000"), now).error(), tcp::Errc::no_route);
  EXPECT_EQ(pair.one.udp_send(socket, endpoint("[2001:db8::2]:1"), {}, now).error(),
            tcp::Errc::no_route);
  EXPECT_EQ(pair.one.join(socket, address("192.0.2.2"), 0, now).error(), tcp::Errc::no_route);
  pair.one.udp_close(socket);
  EXPECT_EQ(pair.one.udp_send(socket, endpoint("192.0.2.2:1"), {}, now).error(),
            tcp::Errc::not_connected);
  EXPECT_FALSE(pair.one.udp_receive(socket).has_value());
}

TEST(DatagramQueue, agrees_with_a_list_of_strings) {
  for (u64 seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    host::DatagramQueue queue(20000);
    std::deque<std::string> model;
    for (int step = 0; step < 3000; ++step) {
      if (rng.chance({11, 20})) {
        const std::string text(rng.below(rng.chance({1, 10}) ? 9000 : 200),
                               to<char>('a' + rng.below(26)));
        if (queue.push({wire::any_v4, 1}, {wire::any_v4, 2}, as_bytes(text))) model.push_back(text);
      } else {
        const auto item = queue.pop();
        ASSERT_EQ(item.has_value(), !model.empty());
        if (!item) continue;
        ASSERT_EQ(as_text(item->payload), model.front()) << "seed " << seed << " step " << step;
        model.pop_front();
      }
      ASSERT_EQ(queue.size(), model.size());
    }
  }
}

}  // namespace
}  // namespace handfast::test
