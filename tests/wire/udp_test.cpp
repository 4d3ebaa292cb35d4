#include "wire/udp.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> emitted(const UdpHeader& header, Bytes payload, const IpAddress& source = alice4,
                        const IpAddress& destination = bob4) {
  std::vector<u8> out(udp_header_size);
  EXPECT_EQ(emit_udp(header, payload, source, destination, out), udp_header_size);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

Drop drop_of(Bytes datagram, const IpAddress& source = alice4,
             const IpAddress& destination = bob4) {
  const Exact exact(datagram);
  const auto parsed = parse_udp(exact.bytes(), source, destination);
  return parsed ? Drop::count_ : parsed.error();
}

TEST(UdpWire, parse_and_emit_are_inverse) {
  Rng rng(9);
  for (int round = 0; round < 5000; ++round) {
    const UdpHeader header{.source_port = to<u16>(rng.next()),
                           .destination_port = to<u16>(1 + rng.below(65535))};
    const bool v4 = rng.chance({1, 2});
    const auto payload = random_bytes(rng, rng.below(100));
    const auto bytes = emitted(header, payload, v4 ? alice4 : alice6, v4 ? bob4 : bob6);
    const auto parsed = parse_udp(bytes, v4 ? alice4 : alice6, v4 ? bob4 : bob6);
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->header, header);
    ASSERT_TRUE(std::ranges::equal(parsed->payload, payload));
  }
}

TEST(UdpWire, every_truncation_is_a_drop) {
  const auto bytes = emitted({.source_port = 1, .destination_port = 2}, from_hex("0102030405"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(drop_of(Bytes(bytes).first(size)), Drop::truncated) << size;
}

TEST(UdpWire, bytes_behind_the_length_field_are_left_out) {
  auto bytes = emitted({.source_port = 1, .destination_port = 2}, from_hex("0102"));
  bytes.push_back(9);
  const auto parsed = parse_udp(bytes, alice4, bob4);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->payload.size(), 2u);
}

TEST(UdpWire, a_length_below_the_header_is_refused) {
  auto bytes = emitted({.source_port = 1, .destination_port = 2}, {});
  bytes[5] = 7;
  EXPECT_EQ(drop_of(bytes), Drop::bad_total_length);
}

TEST(UdpWire, a_wrong_checksum_is_refused_and_none_at_all_passes_over_ipv4_only) {
  auto bytes = emitted({.source_port = 1, .destination_port = 2}, from_hex("ab"));
  EXPECT_EQ(drop_of(bytes, alice4, alice4), Drop::bad_checksum);
  bytes.back() ^= 1;
  EXPECT_EQ(drop_of(bytes), Drop::bad_checksum);
  store_be16(&bytes[6], 0);
  EXPECT_EQ(drop_of(bytes), Drop::count_);
  EXPECT_EQ(drop_of(bytes, alice6, bob6), Drop::bad_checksum);
}

TEST(UdpWire, a_checksum_that_comes_out_as_zero_is_sent_as_all_ones) {
  int seen = 0;
  for (u32 value = 0; value <= 0xffff; ++value) {
    u8 payload[2];
    store_be16(payload, to<u16>(value));
    const auto bytes = emitted({.source_port = 1, .destination_port = 2}, payload);
    ASSERT_NE(load_be16(&bytes[6]), 0);
    if (load_be16(&bytes[6]) != 0xffff) continue;
    EXPECT_EQ(drop_of(bytes), Drop::count_);
    ++seen;
  }
  EXPECT_GE(seen, 1);
}

TEST(UdpWire, port_0_is_no_destination_and_as_a_source_means_none) {
  EXPECT_EQ(drop_of(emitted({.source_port = 1, .destination_port = 0}, {})), Drop::bad_port);
  EXPECT_EQ(drop_of(emitted({.source_port = 0, .destination_port = 1}, {})), Drop::count_);
}

}  // namespace
}  // namespace handfast::wire
