#include "wire/segmentation.hpp"

#include <array>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> super_segment(const IpAddress& from, const IpAddress& to_whom, u16 flags,
                              u32 size) {
  const TcpHeader tcp{.source_port = 1,
                      .destination_port = 2,
                      .sequence = 0xffff'ff00,  // wraps inside
                      .acknowledgment = 7,
                      .flags = flags,
                      .options = {.timestamps = TcpTimestamps{5, 6}}};
  const IpHeader ip{.source = from,
                    .destination = to_whom,
                    .protocol = protocol_tcp,
                    .hop_limit = 64,
                    .identification = 0xffff};
  const u32 header = tcp_header_size_of(tcp);
  std::vector<u8> packet(ip_header_size(ip) + header + size);
  const u32 at = emit_ip(ip, header + size, packet);
  emit_tcp(tcp, MutBytes(packet).subspan(at));
  for (u32 i = 0; i < size; ++i) packet[at + header + i] = to<u8>(i * 7);
  return packet;
}

void expect_pieces(const IpAddress& from, const IpAddress& to_whom) {
  const u16 flags = TcpFlags::ack | TcpFlags::psh | TcpFlags::fin | TcpFlags::cwr;
  const auto whole = super_segment(from, to_whom, flags, 2500);
  const Segmentation cut(whole, 1000);
  ASSERT_EQ(cut.count(), 3u);
  std::vector<u8> text;
  for (u32 i = 0; i < 3; ++i) {
    std::vector<u8> out(cut.size_max());
    out.resize(cut.emit(i, out));
    const auto ip = parse_ip(out);
    ASSERT_TRUE(ip);
    const auto segment = parse_tcp(ip->payload, from, to_whom);
    ASSERT_TRUE(segment);  // length and checksum are right
    EXPECT_EQ(segment->header.sequence, 0xffff'ff00 + i * 1000);
    EXPECT_EQ(segment->header.has(TcpFlags::fin), i == 2);
    EXPECT_EQ(segment->header.has(TcpFlags::psh), i == 2);
    EXPECT_EQ(segment->header.has(TcpFlags::cwr), i == 0);
    ASSERT_TRUE(segment->header.options.timestamps);
    EXPECT_EQ(segment->header.options.timestamps->value, 5u);
    if (from.is_v4()) {
      EXPECT_EQ(load_be16(out.data() + 4), to<u16>(0xffff + i));
    }
    text.insert(text.end(), segment->payload.begin(), segment->payload.end());
  }
  EXPECT_TRUE(std::ranges::equal(text, Bytes(whole).last(2500)));
}

TEST(Segmentation, cuts_ipv4_and_ipv6_into_segments_that_parse) {
  expect_pieces(alice4, bob4);
  expect_pieces(alice6, bob6);
}

TEST(Segmentation, a_segment_that_fits_stays_one) {
  const auto whole = super_segment(alice4, bob4, TcpFlags::ack | TcpFlags::psh, 1000);
  for (const u16 size : std::array<u16, 3>{0, 1000, 1460}) {
    const Segmentation cut(whole, size);
    ASSERT_EQ(cut.count(), 1u);
    std::vector<u8> out(cut.size_max());
    out.resize(cut.emit(0, out));
    const auto ip = parse_ip(out);
    ASSERT_TRUE(ip);
    const auto segment = parse_tcp(ip->payload, alice4, bob4);
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->payload.size(), 1000u);
    EXPECT_TRUE(segment->header.has(TcpFlags::psh));
  }
}

}  // namespace
}  // namespace handfast::wire
