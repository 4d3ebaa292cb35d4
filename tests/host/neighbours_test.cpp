// ARP (RFC 826) and neighbour discovery (RFC 4861), seen from the wire.
#include <gtest/gtest.h>

#include "host/host.hpp"
#include "host/routes.hpp"
#include "support/lan.hpp"
#include "support/packets.hpp"

namespace handfast::test {
namespace {

using host::Host;
using trace::LinkType;
using wire::ArpPacket;
using wire::Drop;
using wire::NeighbourMessage;
using Operation = wire::ArpPacket::Operation;

/// One host on Ethernet, a UDP socket to make it talk, and a stranger at 192.0.2.9.
struct Alone {
  explicit Alone(host::Config config = host_config(1, LinkType::ethernet))
      : host(lan.add(config)),
        socket(*host.udp_open({wire::any_v4, 5000}, lan.now)),
        socket6(*host.udp_open({wire::any_v6, 5000}, lan.now)) {}
  void talk(std::string_view to_endpoint) {
    const auto there = endpoint(to_endpoint);
    EXPECT_TRUE(
        host.udp_send(there.address.is_v4() ? socket : socket6, there, as_bytes("hello"), lan.now));
    lan.flush();
  }
  void hear_arp(Operation operation, const wire::MacAddress& from, std::string_view sender,
                std::string_view target) {
    lan.inject(ethernet(operation == Operation::request ? wire::mac_broadcast : mac(1), from,
                        wire::ether_type_arp, arp(operation, from, sender, mac(1), target)));
  }
  Lan lan;
  Host& host;
  host::Udp socket;
  host::Udp socket6;
};

TEST(Arp, packets_wait_for_the_answer_and_then_go_out_in_order) {
  Alone alone;
  alone.talk("192.0.2.9:1");
  alone.talk("192.0.2.9:2");
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const auto request = as_arp(alone.lan.seen[0]);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->operation, Operation::request);
  EXPECT_EQ(request->target_ip, address("192.0.2.9"));
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[0])->header.destination, wire::mac_broadcast);

  alone.hear_arp(Operation::reply, mac(9), "192.0.2.9", "192.0.2.1");
  ASSERT_EQ(alone.lan.seen.size(), 3u);
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[1])->header.destination, mac(9));
  EXPECT_EQ(as_ip(alone.lan.seen[1], true)->payload[3], 1);
  EXPECT_EQ(as_ip(alone.lan.seen[2], true)->payload[3], 2);
}

TEST(Arp, asks_three_times_a_second_apart_and_gives_up) {
  Alone alone;
  alone.talk("192.0.2.9:1");
  alone.lan.run_for(10s);
  EXPECT_EQ(alone.lan.seen.size(), 3u);
  EXPECT_EQ(dropped(alone.host, Drop::neighbour_timeout), 1u);
  const auto error = alone.host.udp_receive_error(alone.socket);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->error.problem, wire::IcmpProblem::host_unreachable);
  EXPECT_EQ(error->destination, endpoint("192.0.2.9:1"));
}

TEST(Arp, no_more_packets_wait_than_configured) {
  host::Config config = host_config(1, LinkType::ethernet);
  config.neighbour_queue_max = 3;
  Alone alone(config);
  for (int i = 0; i < 10; ++i) alone.talk("192.0.2.9:1");
  EXPECT_EQ(dropped(alone.host, Drop::neighbour_overload), 7u);
}

TEST(Arp, answers_requests_for_us_and_learns_from_them) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.1");
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const auto reply = as_arp(alone.lan.seen[0]);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->operation, Operation::reply);
  EXPECT_EQ(reply->sender_mac, mac(1));
  EXPECT_EQ(reply->target_mac, mac(9));
  alone.talk("192.0.2.9:1");
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[1])->header.destination, mac(9));
}

TEST(Arp, does_not_learn_from_what_is_meant_for_others_or_was_not_asked) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.7");
  alone.hear_arp(Operation::reply, mac(9), "192.0.2.9", "192.0.2.1");
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.9");  // gratuitous, unknown
  EXPECT_TRUE(alone.lan.seen.empty());
  alone.talk("192.0.2.9:1");
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  EXPECT_TRUE(as_arp(alone.lan.seen[0]).has_value());  // it has to ask
}

TEST(Arp, refuses_senders_that_are_us_or_not_on_the_link) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.1", "192.0.2.1");
  alone.hear_arp(Operation::request, mac(9), "203.0.113.1", "192.0.2.1");
  alone.hear_arp(Operation::request, mac(9), "192.0.2.255", "192.0.2.1");
  EXPECT_EQ(dropped(alone.host, Drop::bad_address), 3u);
  EXPECT_TRUE(alone.lan.seen.empty());
}

TEST(Arp, a_gratuitous_announcement_moves_a_known_neighbour) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.1");
  alone.hear_arp(Operation::request, mac(8), "192.0.2.9", "192.0.2.9");
  alone.talk("192.0.2.9:1");
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen.back())->header.destination, mac(8));
}

TEST(Arp, an_old_entry_is_asked_for_by_unicast_while_it_stays_in_use) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.1");
  alone.lan.run_for(61s);
  alone.lan.seen.clear();
  alone.talk("192.0.2.9:1");
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  ASSERT_TRUE(as_arp(alone.lan.seen[0]).has_value());
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[0])->header.destination, mac(9));
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[1])->header.destination, mac(9));
}

TEST(Arp, a_connection_that_goes_unanswered_asks_for_its_next_hop_again) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "192.0.2.9", "192.0.2.1");
  ASSERT_TRUE(alone.host.connect(endpoint("192.0.2.9:80"), alone.lan.now));
  alone.lan.run_for(4s);  // two retransmissions of the SYN
  const auto is_request = [](const Packet& frame) {
    const auto heard = as_arp(frame);
    return heard && heard->operation == Operation::request;
  };
  EXPECT_EQ(std::ranges::count_if(alone.lan.seen, is_request), 0);
  alone.lan.run_for(10s);  // and a third
  EXPECT_EQ(alone.host.tcp_counters().paths_doubted, 1u);
  EXPECT_GT(std::ranges::count_if(alone.lan.seen, is_request), 0);
}

TEST(Arp, the_cache_is_bounded_and_loses_its_oldest) {
  host::Config config = host_config(1, LinkType::ethernet);
  config.neighbours_max = 4;
  Alone alone(config);
  for (u8 n = 10; n < 20; ++n)
    alone.hear_arp(Operation::request, mac(n), "192.0.2." + std::to_string(n), "192.0.2.1");
  alone.lan.seen.clear();
  alone.talk("192.0.2.19:1");
  EXPECT_TRUE(as_ip(alone.lan.seen.back(), true).has_value());
  alone.talk("192.0.2.10:1");
  EXPECT_TRUE(as_arp(alone.lan.seen.back()).has_value());
}

TEST(Arp, probes_for_duplicates_are_answered) {
  Alone alone;
  alone.hear_arp(Operation::request, mac(9), "0.0.0.0", "192.0.2.1");
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  EXPECT_EQ(as_arp(alone.lan.seen[0])->operation, Operation::reply);
}

// Neighbour discovery.

Packet solicitation(std::string_view source, std::string_view target, bool with_link_layer = true) {
  const auto group = wire::solicited_node(address(target));
  NeighbourMessage message{.target = address(target)};
  if (with_link_layer) message.link_layer = mac(9);
  return framed(wire::multicast_mac(group), mac(9), icmp(address(source), group, message, 255));
}
Packet advertisement(std::string_view target, const wire::MacAddress& at, bool solicited = true,
                     bool override = true) {
  return framed(mac(1), mac(9),
                icmp(address(target), address("2001:db8::1"),
                     NeighbourMessage{.advertisement = true,
                                      .target = address(target),
                                      .link_layer = at,
                                      .router = false,
                                      .solicited = solicited,
                                      .override = override},
                     255));
}

TEST(NeighbourDiscovery, packets_wait_for_the_advertisement) {
  Alone alone;
  alone.talk("[2001:db8::9]:1");
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const auto asked = as_icmp<NeighbourMessage>(alone.lan.seen[0], true);
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(asked->target, address("2001:db8::9"));
  EXPECT_EQ(asked->link_layer, mac(1));
  EXPECT_EQ(as_ip(alone.lan.seen[0], true)->header.destination, address("ff02::1:ff00:9"));
  alone.lan.inject(advertisement("2001:db8::9", mac(9)));
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[1])->header.destination, mac(9));
}

TEST(NeighbourDiscovery, answers_solicitations_and_learns_from_them) {
  Alone alone;
  alone.lan.inject(solicitation("2001:db8::9", "2001:db8::1"));
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const auto answer = as_icmp<NeighbourMessage>(alone.lan.seen[0], true);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->advertisement && answer->solicited && answer->override);
  EXPECT_EQ(answer->link_layer, mac(1));
  EXPECT_EQ(as_ip(alone.lan.seen[0], true)->header.hop_limit, 255);
  alone.talk("[2001:db8::9]:1");
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen.back())->header.destination, mac(9));
}

TEST(NeighbourDiscovery, answers_duplicate_address_detection_to_all_nodes) {
  Alone alone;
  alone.lan.inject(solicitation("::", "2001:db8::1", false));
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const auto answer = as_icmp<NeighbourMessage>(alone.lan.seen[0], true);
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->solicited);
  EXPECT_EQ(as_ip(alone.lan.seen[0], true)->header.destination, address("ff02::1"));
}

TEST(NeighbourDiscovery, answers_for_its_link_local_address) {
  Alone alone;
  const std::string own = wire::to_string(host::link_local_of(mac(1)));
  alone.lan.inject(solicitation("fe80::9", own));
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  EXPECT_EQ(as_ip(alone.lan.seen[0], true)->header.source, address(own));
}

TEST(NeighbourDiscovery, what_a_router_forwarded_is_refused) {
  Alone alone;
  const auto group = wire::solicited_node(address("2001:db8::1"));
  alone.lan.inject(framed(wire::multicast_mac(group), mac(9),
                          icmp(address("2001:db8::9"), group,
                               NeighbourMessage{.target = address("2001:db8::1")}, 254)));
  EXPECT_TRUE(alone.lan.seen.empty());
  EXPECT_EQ(dropped(alone.host, Drop::bad_hop_limit), 1u);
}

TEST(NeighbourDiscovery, unsolicited_advertisements_teach_only_about_known_neighbours) {
  Alone alone;
  alone.lan.inject(advertisement("2001:db8::9", mac(8)));
  alone.talk("[2001:db8::9]:1");
  EXPECT_TRUE(as_icmp<NeighbourMessage>(alone.lan.seen.back(), true).has_value());
  alone.lan.inject(advertisement("2001:db8::9", mac(9)));
  // Without the override flag another address is only a doubt.
  alone.lan.inject(advertisement("2001:db8::9", mac(7), false, false));
  alone.talk("[2001:db8::9]:1");
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen.back())->header.destination, mac(9));
}

TEST(NeighbourDiscovery, gives_up_after_three_solicitations) {
  Alone alone;
  alone.talk("[2001:db8::9]:1");
  alone.lan.run_for(10s);
  EXPECT_EQ(alone.lan.seen.size(), 3u);
  EXPECT_TRUE(alone.host.udp_receive_error(alone.socket6).has_value());
}

TEST(Gateway, is_asked_for_instead_of_the_destination) {
  host::Config config = host_config(1, LinkType::ethernet);
  config.interfaces[0].gateway_v4 = address("192.0.2.9");
  Alone alone(config);
  alone.talk("203.0.113.5:1");
  EXPECT_EQ(as_arp(alone.lan.seen[0])->target_ip, address("192.0.2.9"));
  alone.hear_arp(Operation::reply, mac(9), "192.0.2.9", "192.0.2.1");
  EXPECT_EQ(as_ip(alone.lan.seen[1], true)->header.destination, address("203.0.113.5"));
  EXPECT_EQ(wire::parse_ethernet(alone.lan.seen[1])->header.destination, mac(9));
}

TEST(Gateway, without_one_there_is_no_route) {
  Alone alone;
  const auto sent =
      alone.host.udp_send(alone.socket, endpoint("203.0.113.5:1"), as_bytes("x"), alone.lan.now);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error(), tcp::Errc::no_route);
}

}  // namespace
}  // namespace handfast::test
