#include "wire/arp.hpp"

#include <gtest/gtest.h>

#include "packets.hpp"

namespace handfast::wire {
namespace {

constexpr std::string_view request =
    "0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202";

Drop drop_of(Bytes packet) {
  const Exact exact(packet);
  const auto parsed = parse_arp(exact.bytes());
  return parsed ? Drop::count_ : parsed.error();
}

TEST(ArpWire, a_request_has_the_layout_of_rfc_826) {
  const ArpPacket packet{.operation = ArpPacket::Operation::request,
                         .sender_mac = {{2, 0, 0, 0, 0, 1}},
                         .sender_ip = alice4,
                         .target_mac = {},
                         .target_ip = bob4};
  std::vector<u8> out(arp_size);
  EXPECT_EQ(emit_arp(packet, out), arp_size);
  EXPECT_EQ(out, from_hex(request));
  EXPECT_EQ(parse_arp(out), packet);
}

TEST(ArpWire, parse_and_emit_are_inverse) {
  Rng rng(8);
  for (int round = 0; round < 1000; ++round) {
    ArpPacket packet{.operation = rng.chance({1, 2}) ? ArpPacket::Operation::request
                                                     : ArpPacket::Operation::reply,
                     .sender_ip = IpAddress::v4(to<u8>(rng.below(224)), 1, 2, to<u8>(rng.next())),
                     .target_ip = IpAddress::v4(to<u8>(rng.next()), 4, 5, to<u8>(rng.next()))};
    for (u8& octet : packet.sender_mac.octets) octet = to<u8>(rng.next());
    packet.sender_mac.octets[0] &= 0xfe;
    for (u8& octet : packet.target_mac.octets) octet = to<u8>(rng.next());
    std::vector<u8> out(arp_size);
    emit_arp(packet, out);
    ASSERT_EQ(parse_arp(out), packet);
  }
}

TEST(ArpWire, every_truncation_is_a_drop_and_padding_is_none) {
  auto bytes = from_hex(request);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(drop_of(Bytes(bytes).first(size)), Drop::truncated) << size;
  bytes.resize(46, 0xee);
  EXPECT_EQ(drop_of(bytes), Drop::count_);
}

TEST(ArpWire, other_hardware_protocols_sizes_and_operations_are_refused) {
  for (const std::size_t at : {0u, 1u, 2u, 3u, 4u, 5u, 6u}) {
    auto bytes = from_hex(request);
    bytes[at] ^= 0x10;
    EXPECT_EQ(drop_of(bytes), Drop::bad_type) << at;
  }
  auto reverse = from_hex(request);
  reverse[7] = 3;
  EXPECT_EQ(drop_of(reverse), Drop::bad_type);
}

TEST(ArpWire, a_sender_is_one_host) {
  auto bytes = from_hex(request);
  bytes[8] = 3;
  EXPECT_EQ(drop_of(bytes), Drop::bad_address);
  bytes = from_hex(request);
  bytes[14] = 224;
  EXPECT_EQ(drop_of(bytes), Drop::bad_address);
  for (std::size_t i = 14; i < 18; ++i) bytes[i] = 255;
  EXPECT_EQ(drop_of(bytes), Drop::bad_address);
  for (std::size_t i = 14; i < 18; ++i) bytes[i] = 0;
  EXPECT_EQ(drop_of(bytes), Drop::count_) << "a probe, RFC 5227";
}

TEST(ArpWire, operations_have_names) {
  EXPECT_EQ(to_string(ArpPacket::Operation::request), "request");
  EXPECT_EQ(to_string(ArpPacket::Operation::reply), "reply");
  EXPECT_EQ(to_string(ArpPacket::Operation{9}), "unknown operation");
}

}  // namespace
}  // namespace handfast::wire
