#include "wire/ethernet.hpp"

#include <gtest/gtest.h>

#include "packets.hpp"

namespace handfast::wire {
namespace {

TEST(EthernetWire, parse_and_emit_are_inverse) {
  const auto bytes = from_hex("ffffffffffff 02005e100001 0806 aabbcc");
  const auto frame = parse_ethernet(bytes);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.destination, mac_broadcast);
  EXPECT_EQ(to_string(frame->header.source), "02:00:5e:10:00:01");
  EXPECT_EQ(frame->header.ether_type, ether_type_arp);
  EXPECT_EQ(frame->payload.size(), 3u);
  std::vector<u8> out(ethernet_header_size);
  EXPECT_EQ(emit_ethernet(frame->header, out), ethernet_header_size);
  EXPECT_EQ(out, std::vector(bytes.begin(), bytes.begin() + 14));
}

TEST(EthernetWire, every_truncation_of_a_header_is_a_drop) {
  const auto bytes = from_hex("ffffffffffff 02005e100001 0806");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Exact exact(Bytes(bytes).first(size));
    EXPECT_EQ(parse_ethernet(exact.bytes()).error(), Drop::truncated);
  }
  EXPECT_TRUE(parse_ethernet(bytes)) << "an empty payload is for the next layer to judge";
}

TEST(EthernetWire, a_group_is_no_source) {
  EXPECT_EQ(parse_ethernet(from_hex("ffffffffffff 01005e100001 0806")).error(), Drop::bad_address);
}

TEST(EthernetWire, groups_have_the_addresses_of_rfc_1112_and_rfc_2464) {
  const auto mac_of = [](std::string_view group) {
    return to_string(multicast_mac(*IpAddress::parse(group)));
  };
  EXPECT_EQ(mac_of("224.0.0.1"), "01:00:5e:00:00:01");
  EXPECT_EQ(mac_of("239.255.1.2"), "01:00:5e:7f:01:02");
  EXPECT_EQ(mac_of("ff02::1:ff00:17"), "33:33:ff:00:00:17");
  EXPECT_EQ(mac_of("255.255.255.255"), "ff:ff:ff:ff:ff:ff");
}

}  // namespace
}  // namespace handfast::wire
