#include "wire/ip.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/checksum.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> emitted(const IpHeader& header, std::size_t payload_size = 0) {
  std::vector<u8> out(ip_header_size(header) + payload_size);
  EXPECT_EQ(emit_ip(header, to<u32>(payload_size), out), ip_header_size(header));
  for (std::size_t i = 0; i < payload_size; ++i) out[out.size() - payload_size + i] = to<u8>(i);
  return out;
}

// What `packet` is dropped for, count_ if it is not.
Drop drop_of(Bytes packet) {
  const Exact exact(packet);
  const auto parsed = parse_ip(exact.bytes());
  return parsed ? Drop::count_ : parsed.error();
}

// An IPv4 packet with the checksum made good.
std::vector<u8> sealed(std::vector<u8> packet) {
  const std::size_t size = std::min<std::size_t>(packet.size(), (packet[0] & 0xfu) * 4u);
  store_be16(&packet[10], 0);
  store_be16(&packet[10], checksum(Bytes(packet).first(size)));
  return packet;
}

IpHeader random_header(Rng& rng, bool v4) {
  IpHeader header;
  for (IpAddress* address : {&header.source, &header.destination}) {
    *address = v4 ? any_v4 : any_v6;
    const std::size_t first = v4 ? 12 : 0;
    for (std::size_t i = first; i < 16; ++i) address->octets[i] = to<u8>(rng.next());
    address->octets[first] = v4 ? 10 : 0x20;
  }
  header.protocol = to<u8>(100 + rng.below(100));
  header.hop_limit = to<u8>(rng.next());
  header.traffic_class = to<u8>(rng.next());
  if (!v4) header.flow_label = to<u32>(rng.below(1 << 20));
  if (v4) header.dont_fragment = rng.chance({1, 2});
  if (rng.chance({1, 2})) {
    const u64 id = v4 ? rng.below(1 << 16) : rng.below(u64{1} << 32);
    header.fragment = {to<u32>(id), to<u32>(8 + 8 * rng.below(8000)), rng.chance({1, 2})};
  } else if (v4) {
    header.identification = to<u16>(rng.next());
  }
  return header;
}

TEST(IpWire, parse_and_emit_are_inverse) {
  Rng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    const IpHeader header = random_header(rng, rng.chance({1, 2}));
    const auto bytes = emitted(header, 8 * (1 + rng.below(12)));
    const auto packet = parse_ip(bytes);
    ASSERT_TRUE(packet) << to_string(packet.error());
    ASSERT_EQ(packet->header, header);
    ASSERT_EQ(packet->header_size, ip_header_size(header));
    ASSERT_EQ(packet->payload.data() + packet->payload.size(), bytes.data() + bytes.size());
  }
}

TEST(IpWire, every_truncation_of_a_good_packet_is_a_drop) {
  const IpHeader v6_fragment{
      .source = alice6, .destination = bob6, .protocol = 6, .fragment = Fragment{7, 8, false}};
  for (const auto& bytes : {emitted({.source = alice4, .destination = bob4, .protocol = 6}, 40),
                            emitted({.source = alice6, .destination = bob6, .protocol = 6}, 40),
                            emitted(v6_fragment, 40)})
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_EQ(drop_of(Bytes(bytes).first(size)), Drop::truncated) << size;
}

TEST(IpWire, padding_behind_the_packet_is_left_out) {
  for (auto bytes : {emitted({.source = alice4, .destination = bob4}, 5),
                     emitted({.source = alice6, .destination = bob6, .protocol = 6}, 5)}) {
    bytes.resize(bytes.size() + 30, 0xee);
    EXPECT_EQ(parse_ip(bytes)->payload.size(), 5u);
  }
}

TEST(IpWire, a_version_that_is_neither_4_nor_6_or_not_the_expected_is_refused) {
  const auto v4 = emitted({.source = alice4, .destination = bob4}, 40);
  const auto v6 = emitted({.source = alice6, .destination = bob6, .protocol = 6});
  auto v5 = v4;
  v5[0] = 0x55;
  EXPECT_EQ(drop_of(v5), Drop::bad_version);
  EXPECT_EQ(parse_ipv4(v6).error(), Drop::bad_version);
  EXPECT_EQ(parse_ipv6(v4).error(), Drop::bad_version);
  EXPECT_EQ(parse_quoted(v5).error(), Drop::bad_version);
}

TEST(Ipv4, the_header_of_the_classic_example_is_read) {
  // The well-known worked example of an IPv4 header checksum, 0xb861.
  const auto bytes = from_hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  std::vector<u8> packet = bytes;
  packet.resize(0x73);
  const auto parsed = parse_ipv4(packet);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_string(parsed->header.source), "192.168.0.1");
  EXPECT_EQ(to_string(parsed->header.destination), "192.168.0.199");
  EXPECT_EQ(parsed->header.protocol, protocol_udp);
  EXPECT_TRUE(parsed->header.dont_fragment);
  EXPECT_FALSE(parsed->header.fragment);
  std::vector<u8> again(20);
  emit_ip(parsed->header, 0x73 - 20, again);
  EXPECT_EQ(again, bytes);
}

TEST(Ipv4, options_are_skipped) {
  auto bytes = emitted({.source = alice4, .destination = bob4, .protocol = 6}, 12);
  bytes[0] = 0x47;  // 8 bytes of the payload are options now
  const auto packet = parse_ipv4(sealed(bytes));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header_size, 28);
  EXPECT_EQ(packet->payload.size(), 4u);
  EXPECT_EQ(packet->header.protocol, 6);
}

TEST(Ipv4, impossible_lengths_are_refused) {
  auto bytes = emitted({.source = alice4, .destination = bob4}, 4);
  bytes[0] = 0x44;
  EXPECT_EQ(drop_of(sealed(bytes)), Drop::bad_header_length);
  bytes[0] = 0x47;
  EXPECT_EQ(drop_of(bytes), Drop::bad_header_length) << "beyond what came";
  bytes[0] = 0x46;
  store_be16(&bytes[2], 23);
  EXPECT_EQ(drop_of(sealed(bytes)), Drop::bad_total_length);
  store_be16(&bytes[2], 25);
  EXPECT_EQ(drop_of(sealed(bytes)), Drop::truncated);
}

TEST(Ipv4, any_flipped_bit_of_the_header_is_noticed) {
  const auto good = emitted({.source = alice4, .destination = bob4, .protocol = 6});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= to<u8>(1 << bit % 8);
    EXPECT_NE(drop_of(bad), Drop::count_) << bit;
  }
  auto bad = good;
  bad[8] ^= 1;
  EXPECT_EQ(drop_of(bad), Drop::bad_checksum);
}

TEST(Ipv4, a_source_is_one_host) {
  const auto drop_from = [](u8 a, u8 b, u8 c, u8 d) {
    return drop_of(emitted({.source = IpAddress::v4(a, b, c, d), .destination = bob4}));
  };
  EXPECT_EQ(drop_from(224, 0, 0, 1), Drop::bad_address);
  EXPECT_EQ(drop_from(255, 255, 255, 255), Drop::bad_address);
  EXPECT_EQ(drop_from(0, 0, 0, 0), Drop::count_) << "a host that asks for its address";
}

TEST(Ipv4, fragments_are_recognised_and_impossible_ones_refused) {
  const auto drop_with = [](Fragment fragment, std::size_t size) {
    return drop_of(emitted({.source = alice4, .destination = bob4, .fragment = fragment}, size));
  };
  EXPECT_EQ(drop_with({1, 0, true}, 16), Drop::count_);
  EXPECT_EQ(drop_with({1, 0, true}, 12), Drop::bad_fragment) << "no multiple of 8";
  EXPECT_EQ(drop_with({1, 16, false}, 12), Drop::count_);
  EXPECT_EQ(drop_with({1, 16, false}, 0), Drop::bad_fragment) << "empty";
  EXPECT_EQ(drop_with({1, 65528, false}, 7), Drop::count_);
  EXPECT_EQ(drop_with({1, 65528, false}, 8), Drop::bad_fragment) << "beyond 65535";
  const auto whole = emitted({.source = alice4, .destination = bob4, .fragment = Fragment{9}}, 3);
  EXPECT_FALSE(parse_ip(whole)->header.fragment);
  EXPECT_EQ(parse_ip(whole)->header.identification, 9);
}

TEST(Ipv4, a_quoted_packet_is_read_however_it_was_cut_and_changed) {
  auto bytes = emitted({.source = alice4, .destination = bob4, .protocol = 6}, 100);
  bytes[8] = 1;  // routers have counted down and left the checksum
  const auto quoted = parse_quoted(Bytes(bytes).first(28));
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->header.destination, bob4);
  EXPECT_EQ(quoted->payload.size(), 8u);
  EXPECT_EQ(parse_quoted(Bytes(bytes).first(19)).error(), Drop::truncated);
  EXPECT_EQ(parse_quoted({}).error(), Drop::truncated);
}

TEST(Ipv4, a_reassembled_datagram_is_no_fragment) {
  const IpHeader header{
      .source = alice4, .destination = bob4, .protocol = 17, .fragment = Fragment{1, 0, true}};
  const std::vector<u8> payload(40);
  const auto packet = parse_reassembled(header, payload);
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->header.fragment);
  EXPECT_EQ(packet->payload.size(), 40u);
}

}  // namespace
}  // namespace handfast::wire
