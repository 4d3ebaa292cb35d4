#include "wire/address.hpp"

#include <arpa/inet.h>

#include <gtest/gtest.h>

#include "packets.hpp"

namespace handfast::wire {
namespace {

TEST(IpAddress, text_of_both_families_is_read_and_written) {
  for (const std::string_view text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "1::", "2001:db8::1",
        "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "1:2:3:4:5:6:7:8", "fe80::ff:fe00:1"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
}

TEST(IpAddress, text_is_normalised_as_rfc_5952_section_4_wants) {
  EXPECT_EQ(to_string(*IpAddress::parse("2001:0DB8::0001")), "2001:db8::1");
  EXPECT_EQ(to_string(*IpAddress::parse("2001:db8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  EXPECT_EQ(to_string(*IpAddress::parse("1:2:3:4:5:6:7::")), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(to_string(*IpAddress::parse("64:ff9b::192.0.2.33")), "64:ff9b::c000:221");
}

TEST(IpAddress, mapped_text_is_the_ipv4_address) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), alice4);
  EXPECT_EQ(to_string(*IpAddress::parse("::ffff:c000:201")), "192.0.2.1");
}

TEST(IpAddress, what_is_no_address_is_refused) {
  for (const std::string_view text : {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "1.2.3.04",
                                      "1.2.3.",
                                      ".1.2.3",
                                      "1..2.3",
                                      "1.2.3.-4",
                                      "1.2.3.4 ",
                                      ":",
                                      ":::",
                                      "1:",
                                      ":1",
                                      "1::2::3",
                                      "12345::",
                                      "g::",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4::5:6:7:8",
                                      "::1.2.3",
                                      "1.2.3.4::",
                                      "::1.2.3.4:5",
                                      "fe80::1%eth0",
                                      "::1.2.3.4.5",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "localhost"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, parse_takes_what_the_c_library_takes_and_reads_the_same) {
  Rng rng(4);
  static constexpr std::string_view pieces[] = {":",  "::",   ".",   "0",   "1",
                                                "01", "255",  "256", "1.2", "f",
                                                "ff", "abcd", "3.4", "::1", "10000"};
  int good = 0;
  for (int round = 0; round < 300'000; ++round) {
    std::string text;
    for (u64 n = 1 + rng.below(9); n > 0; --n) text += pieces[rng.below(std::size(pieces))];
    u8 expected[16];
    const auto address = IpAddress::parse(text);
    if (inet_pton(AF_INET, text.c_str(), expected) == 1) {
      ASSERT_EQ(address, IpAddress::from_v4(expected)) << text;
    } else if (inet_pton(AF_INET6, text.c_str(), expected) == 1) {
      ASSERT_EQ(address, IpAddress::from_v6(expected)) << text;
    } else {
      ASSERT_FALSE(address) << text;
    }
    good += address ? 1 : 0;
  }
  EXPECT_GT(good, 1000);
}

TEST(IpAddress, every_address_survives_its_own_text) {
  Rng rng(5);
  for (int round = 0; round < 50'000; ++round) {
    IpAddress address;
    for (u8& octet : address.octets) octet = rng.chance({2, 3}) ? u8{0} : to<u8>(rng.next());
    ASSERT_EQ(IpAddress::parse(to_string(address)), address);
    char expected[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address.octets.data(), expected, sizeof expected);
    // glibc writes ::a.b.c.d, a form that RFC 4291 §2.5.5.1 deprecates.
    if (std::string_view(expected).find('.') != std::string_view::npos) continue;
    ASSERT_EQ(to_string(address), expected);
  }
}

TEST(IpAddress, knows_its_kind) {
  EXPECT_TRUE(any_v4.is_v4() && any_v4.is_unspecified() && !any_v4.is_v6());
  EXPECT_TRUE(any_v6.is_v6() && any_v6.is_unspecified() && !any_v6.is_v4());
  EXPECT_TRUE(IpAddress::parse("127.1.2.3")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("224.0.0.1")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("239.255.255.255")->is_multicast());
  EXPECT_FALSE(IpAddress::parse("240.0.0.1")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("ff02::1")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("169.254.1.1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("fe80::1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("febf::1")->is_link_local());
  EXPECT_FALSE(IpAddress::parse("fec0::1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("255.255.255.255")->is_limited_broadcast());
  EXPECT_FALSE(bob4.is_limited_broadcast());
}

TEST(IpAddress, prefixes_are_compared_by_bits_within_a_family) {
  const auto at = [](std::string_view text) { return *IpAddress::parse(text); };
  EXPECT_TRUE(at("192.0.2.1").in_prefix(at("192.0.2.200"), 24));
  EXPECT_FALSE(at("192.0.2.1").in_prefix(at("192.0.2.200"), 25));
  EXPECT_TRUE(at("192.0.2.1").in_prefix(at("192.0.2.1"), 32));
  EXPECT_FALSE(at("192.0.2.1").in_prefix(at("192.0.2.0"), 32));
  EXPECT_TRUE(at("10.0.0.1").in_prefix(any_v4, 0));
  EXPECT_FALSE(at("10.0.0.1").in_prefix(any_v6, 0));
  EXPECT_FALSE(at("::1").in_prefix(any_v4, 0));
  EXPECT_TRUE(at("2001:db8::1").in_prefix(at("2001:db8::"), 64));
  EXPECT_TRUE(at("2001:db8:0:7::").in_prefix(at("2001:db8:0:6::"), 63));
  EXPECT_FALSE(at("2001:db8:0:7::").in_prefix(at("2001:db8:0:6::"), 64));
  EXPECT_TRUE(at("2001:db8::1").in_prefix(at("2001:db8::1"), 128));
}

TEST(Endpoint, text_is_read_and_written) {
  for (const std::string_view text :
       {"192.0.2.1:80", "[2001:db8::1]:443", "[::]:0", "0.0.0.0:65535"})
    EXPECT_EQ(to_string(*Endpoint::parse(text)), text);
}

TEST(Endpoint, what_leaves_doubt_is_refused) {
  for (const std::string_view text :
       {"", "80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", "192.0.2.1:000080",
        "::1:80", "[::1]", "[::1]80", "[192.0.2.1]:80", "[::1:80", "::1]:80", "[]:80"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(MacAddress, text_is_pairs_of_hex_digits) {
  EXPECT_EQ(to_string(MacAddress{{0x02, 0, 0x5e, 0x10, 0xff, 0x0a}}), "02:00:5e:10:ff:0a");
  EXPECT_TRUE(mac_broadcast.is_group());
  EXPECT_FALSE((MacAddress{{0x02, 0, 0, 0, 0, 1}}).is_group());
}

}  // namespace
}  // namespace handfast::wire
