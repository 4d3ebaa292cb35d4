// The short way from a packet to a segment says what the long way says, or nothing.
#include "wire/plain_segment.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "wire/ip.hpp"
#include "wire/packets.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> packet_of(const TcpHeader& tcp, Bytes payload, bool v4, u8 traffic_class = 0) {
  const IpAddress& from = v4 ? alice4 : alice6;
  const IpAddress& into = v4 ? bob4 : bob6;
  std::vector<u8> packet(200 + payload.size());
  const IpHeader ip{.source = from,
                    .destination = into,
                    .protocol = protocol_tcp,
                    .traffic_class = traffic_class,
                    .dont_fragment = true};
  const u32 length = tcp_header_size_of(tcp) + to<u32>(payload.size());
  const u32 at = emit_ip(ip, length, packet);
  packet.resize(at +
                emit_tcp_copy(tcp, {payload, Bytes{}}, from, into, MutBytes(packet).subspan(at)));
  return packet;
}

TcpHeader usual() {
  TcpHeader tcp{.source_port = 40000,
                .destination_port = 80,
                .sequence = 1000,
                .acknowledgment = 2000,
                .flags = TcpFlags::ack,
                .window = 500};
  tcp.options.timestamps = {7, 8};
  return tcp;
}

/// Where the short way answers, it must be the long way's answer.
void expect_agreement(Bytes packet) {
  PlainSegment plain;
  if (!plain.parse(packet)) return;
  const auto ip = parse_ip(packet);
  if (!ip) {
    EXPECT_EQ(ip.error(), Drop::bad_address);  // no connection has such a peer
    return;
  }
  const auto tcp = parse_tcp(ip->payload, ip->header.source, ip->header.destination, true);
  ASSERT_TRUE(tcp.has_value());
  EXPECT_EQ(tcp->header, plain.segment.header);
  EXPECT_EQ(tcp->payload.data(), plain.segment.payload.data());
  EXPECT_EQ(tcp->payload.size(), plain.segment.payload.size());
  EXPECT_EQ(plain.flow.remote.address, ip->header.source);
  EXPECT_EQ(plain.flow.local.address, ip->header.destination);
  EXPECT_EQ(plain.flow.remote.port, tcp->header.source_port);
  EXPECT_EQ(plain.flow.local.port, tcp->header.destination_port);
  EXPECT_EQ(plain.ecn, ip->header.ecn());
  const bool good = parse_tcp(ip->payload, ip->header.source, ip->header.destination).has_value();
  EXPECT_EQ(Checksum(plain.sum).add(plain.segment.payload).sum() == 0xffff, good);
}

TEST(PlainSegment, is_read_for_both_ip_versions_with_and_without_timestamps) {
  const std::vector<u8> text(1448, 0x5a);
  for (const bool v4 : {true, false}) {
    for (const u32 size : {0u, 1u, 1448u}) {
      TcpHeader tcp = usual();
      const auto stamped = packet_of(tcp, Bytes(text).first(size), v4, 2);
      EXPECT_TRUE(PlainSegment().parse(stamped));
      expect_agreement(stamped);
      tcp.options.timestamps.reset();
      tcp.flags |= TcpFlags::psh;
      const auto bare = packet_of(tcp, Bytes(text).first(size), v4);
      EXPECT_TRUE(PlainSegment().parse(bare));
      expect_agreement(bare);
    }
  }
}

TEST(PlainSegment, is_nothing_that_comes_seldom) {
  for (const bool v4 : {true, false}) {
    for (const u16 flag : {TcpFlags::syn, TcpFlags::rst, TcpFlags::urg, TcpFlags::ece,
                           TcpFlags::cwr, TcpFlags::ae}) {
      TcpHeader tcp = usual();
      tcp.flags |= flag;
      EXPECT_FALSE(PlainSegment().parse(packet_of(tcp, {}, v4))) << flag;
    }
    TcpHeader last = usual();
    last.flags |= TcpFlags::fin;
    EXPECT_TRUE(PlainSegment().parse(packet_of(last, {}, v4)));
    TcpHeader tcp = usual();
    tcp.options.sack[0] = {1, 2};
    tcp.options.sack_count = 1;
    EXPECT_FALSE(PlainSegment().parse(packet_of(tcp, {}, v4)));
    auto cut = packet_of(usual(), {}, v4);
    cut.pop_back();
    EXPECT_FALSE(PlainSegment().parse(cut));
  }
  auto fragment = packet_of(usual(), {}, true);
  fragment[6] |= 0x20;
  EXPECT_FALSE(PlainSegment().parse(fragment));
}

TEST(FlowOfSyn, is_that_of_a_syn_without_an_ack_and_of_nothing_else) {
  for (const bool v4 : {true, false}) {
    TcpHeader tcp = usual();
    tcp.flags = TcpFlags::syn;
    const std::vector<u8> packet = packet_of(tcp, {}, v4);
    const Flow expected{{v4 ? bob4 : bob6, 80}, {v4 ? alice4 : alice6, 40000}};
    EXPECT_EQ(flow_of_syn(packet), expected);
    tcp.flags = TcpFlags::syn | TcpFlags::ack;
    EXPECT_FALSE(flow_of_syn(packet_of(tcp, {}, v4)));
    EXPECT_FALSE(flow_of_syn(packet_of(usual(), {}, v4)));
    for (std::size_t size = 0; size < packet.size(); ++size) {
      const std::vector<u8> part(packet.begin(), packet.begin() + to<i64>(size));
      const auto flow = flow_of_syn(part);
      EXPECT_EQ(flow.has_value(), size >= (v4 ? 40u : 60u)) << size;
    }
  }
}

TEST(PlainSegment, agrees_with_the_long_way_on_spoiled_packets) {
  Rng rng(1);
  const std::vector<u8> text(100, 0x5a);
  for (int i = 0; i < 20'000; ++i) {
    auto packet = packet_of(usual(), Bytes(text).first(rng.below(100)), rng.chance({1, 2}));
    for (u64 spoils = rng.below(3); spoils > 0; --spoils)
      packet[rng.below(packet.size())] = to<u8>(rng.next());
    packet.resize(packet.size() - rng.below(3));
    const Exact exact(packet);
    expect_agreement(exact.bytes());
  }
}

}  // namespace
}  // namespace handfast::wire
