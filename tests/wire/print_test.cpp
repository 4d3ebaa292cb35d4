#include "wire/print.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "packets.hpp"
#include "wire/arp.hpp"
#include "wire/drop.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/udp.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> joined(std::vector<u8> head, Bytes tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

std::vector<u8> packet(const IpHeader& header, Bytes payload) {
  std::vector<u8> out(ip_header_size(header));
  emit_ip(header, to<u32>(payload.size()), out);
  return joined(out, payload);
}

std::vector<u8> tcp_packet(const TcpHeader& header, Bytes payload = {}) {
  std::vector<u8> out(tcp_header_size_of(header));
  emit_tcp(header, {payload, {}}, alice4, bob4, out);
  return packet({.source = alice4, .destination = bob4, .protocol = protocol_tcp},
                joined(out, payload));
}

std::vector<u8> icmp_packet(const IcmpMessage& message, bool v4) {
  std::vector<u8> out(200);
  out.resize(v4 ? emit_icmpv4(message, out) : emit_icmpv6(message, alice6, bob6, out));
  if (v4) return packet({.source = alice4, .destination = bob4, .protocol = protocol_icmp}, out);
  return packet(
      {.source = alice6, .destination = bob6, .protocol = protocol_icmpv6, .hop_limit = 255}, out);
}

TEST(Describe, a_syn_shows_its_options) {
  EXPECT_EQ(describe_ip(tcp_packet({.source_port = 40000,
                                    .destination_port = 80,
                                    .sequence = 7,
                                    .flags = TcpFlags::syn,
                                    .window = 64240,
                                    .options = {.mss = u16{1460},
                                                .window_scale = u8{7},
                                                .sack_permitted = true,
                                                .timestamps = TcpTimestamps{1, 0}}})),
            "192.0.2.1:40000 > 192.0.2.2:80 tcp SYN seq 7 win 64240 len 0 "
            "<mss 1460,sackOK,TS val 1 ecr 0,wscale 7>");
}

TEST(Describe, data_shows_its_length_and_what_it_acknowledges) {
  EXPECT_EQ(describe_ip(tcp_packet({.source_port = 1,
                                    .destination_port = 2,
                                    .sequence = 3,
                                    .acknowledgment = 4,
                                    .flags = TcpFlags::psh | TcpFlags::ack | TcpFlags::urg,
                                    .window = 5,
                                    .urgent_pointer = 6},
                                   from_hex("010203"))),
            "192.0.2.1:1 > 192.0.2.2:2 tcp PSH,ACK,URG seq 3 ack 4 win 5 urg 6 len 3");
}

TEST(Describe, options_are_listed_in_full) {
  TcpOptions options;
  EXPECT_EQ(describe_options(options), "");
  options.sack = {{{1, 2}, {3, 4}}};
  options.sack_count = 2;
  options.fast_open.emplace();
  EXPECT_EQ(describe_options(options), "<tfo cookiereq,sack 1:2,sack 3:4>");
  options.sack_count = 0;
  options.fast_open_size = 4;
  EXPECT_EQ(describe_options(options), "<tfo 00000000>");
}

TEST(Describe, udp_and_what_has_no_name) {
  std::vector<u8> out(8);
  emit_udp({.source_port = 53, .destination_port = 9}, {}, alice6, bob6, out);
  EXPECT_EQ(describe_ip(packet({.source = alice6, .destination = bob6, .protocol = 17}, out)),
            "[2001:db8::1]:53 > [2001:db8::2]:9 udp len 0");
  EXPECT_EQ(describe_ip(packet({.source = alice4, .destination = bob4, .protocol = 132}, out)),
            "192.0.2.1 > 192.0.2.2 protocol 132 len 8");
  EXPECT_EQ(describe_ip(packet({.source = alice4, .destination = bob4, .protocol = 58}, out)),
            "192.0.2.1 > 192.0.2.2 icmp6 len 8")
      << "the other family's";
  EXPECT_EQ(describe_ip(packet({.source = alice6, .destination = bob6, .protocol = 1}, out)),
            "2001:db8::1 > 2001:db8::2 icmp len 8");
  EXPECT_EQ(describe_ip(packet({.source = alice6, .destination = bob6, .protocol = 59}, {})),
            "2001:db8::1 > 2001:db8::2 no next header len 0");
}

TEST(Describe, icmp_messages) {
  EXPECT_EQ(describe_ip(icmp_packet(IcmpEcho{.identifier = 1, .sequence = 2}, true)),
            "192.0.2.1 > 192.0.2.2 icmp echo request id 1 seq 2 len 0");
  EXPECT_EQ(describe_ip(icmp_packet(IcmpEcho{.reply = true}, false)),
            "2001:db8::1 > 2001:db8::2 icmp6 echo reply id 0 seq 0 len 0");
  const auto original = tcp_packet({.source_port = 1, .destination_port = 2});
  EXPECT_EQ(describe_ip(icmp_packet(IcmpError{.problem = IcmpProblem::packet_too_big,
                                              .mtu = 1400,
                                              .original = Bytes(original).first(28)},
                                    true)),
            "192.0.2.1 > 192.0.2.2 icmp packet too big, mtu 1400, for 192.0.2.1 > 192.0.2.2 tcp");
  EXPECT_EQ(describe_ip(
                icmp_packet(IcmpError{.problem = IcmpProblem::parameter_problem, .mtu = 6}, false)),
            "2001:db8::1 > 2001:db8::2 icmp6 parameter problem at 6");
}

TEST(Describe, neighbour_discovery) {
  const MacAddress mac{{2, 0, 0, 0, 0, 1}};
  EXPECT_EQ(describe_ip(icmp_packet(NeighbourMessage{.target = bob6, .link_layer = mac}, false)),
            "2001:db8::1 > 2001:db8::2 icmp6 neighbour solicitation, who has 2001:db8::2, "
            "link layer 02:00:00:00:00:01");
  EXPECT_EQ(describe_ip(icmp_packet(NeighbourMessage{.advertisement = true,
                                                     .target = bob6,
                                                     .router = true,
                                                     .solicited = true,
                                                     .override = true},
                                    false)),
            "2001:db8::1 > 2001:db8::2 icmp6 neighbour advertisement, 2001:db8::2 is here, router, "
            "solicited, override");
  EXPECT_EQ(describe_ip(icmp_packet(RouterMessage{}, false)),
            "2001:db8::1 > 2001:db8::2 icmp6 router solicitation");
}

TEST(Describe, arp_in_its_frame) {
  std::vector<u8> frame(ethernet_header_size + arp_size);
  const MacAddress mac{{2, 0, 0, 0, 0, 1}};
  emit_ethernet({.destination = mac_broadcast, .source = mac, .ether_type = ether_type_arp}, frame);
  ArpPacket arp{.sender_mac = mac, .sender_ip = alice4, .target_ip = bob4};
  emit_arp(arp, MutBytes(frame).subspan(14));
  EXPECT_EQ(describe_ethernet(frame),
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who has 192.0.2.2 tell 192.0.2.1");
  arp.operation = ArpPacket::Operation::reply;
  emit_arp(arp, MutBytes(frame).subspan(14));
  EXPECT_EQ(describe_ethernet(frame),
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp 192.0.2.1 is at 02:00:00:00:00:01");
  frame.pop_back();
  EXPECT_EQ(describe_ethernet(frame),
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp: shorter than its own header says");
}

TEST(Describe, other_frames_by_their_ether_type) {
  EXPECT_EQ(describe_ethernet(from_hex("020000000002 020000000001 88cc 00")),
            "02:00:00:00:00:01 > 02:00:00:00:00:02 ether type 0x88cc len 1");
}

TEST(Describe, what_cannot_be_read_says_why) {
  EXPECT_EQ(describe_ethernet({}), "ethernet: shorter than its own header says");
  EXPECT_EQ(describe_ip({}), "ip: shorter than its own header says");
  auto bytes = tcp_packet({.source_port = 1, .destination_port = 2});
  bytes.back() ^= 1;
  EXPECT_EQ(describe_ip(bytes), "192.0.2.1 > 192.0.2.2 tcp: checksum does not match");
}

TEST(Describe, fragments) {
  const IpHeader header{
      .source = alice4, .destination = bob4, .protocol = 17, .fragment = Fragment{7, 16, true}};
  EXPECT_EQ(describe_ip(packet(header, from_hex("0102030405060708"))),
            "192.0.2.1 > 192.0.2.2 udp fragment id 7 offset 16 len 8 more");
}

TEST(Describe, never_fails_on_any_bytes) {
  Rng rng(10);
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = random_bytes(rng, rng.below(90));
    static constexpr u8 versions[] = {0x45, 0x60};
    if (!bytes.empty()) bytes[0] = versions[rng.below(2)];
    const Exact exact(bytes);
    EXPECT_FALSE(describe_ip(exact.bytes()).empty());
    EXPECT_FALSE(describe_ethernet(exact.bytes()).empty());
  }
}

TEST(Drop, every_reason_has_a_phrase_of_its_own) {
  std::vector<std::string_view> phrases;
  for (u8 i = 0; i <= to<u8>(Drop::count_); ++i) phrases.push_back(to_string(to<Drop>(i)));
  EXPECT_EQ(phrases.back(), "unknown reason");
  std::ranges::sort(phrases);
  EXPECT_EQ(std::ranges::adjacent_find(phrases), phrases.end());
}

}  // namespace
}  // namespace handfast::wire
