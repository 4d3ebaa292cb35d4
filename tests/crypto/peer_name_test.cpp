// RFC 9525: names asked for, and names in certificates.
#include "crypto/peer_name.hpp"

#include <gtest/gtest.h>

namespace handfast::crypto {
namespace {

TEST(PeerName, is_a_host_name_in_lower_case_without_its_last_dot) {
  const auto name = PeerName::parse("WWW.Example.ORG.");
  ASSERT_TRUE(name);
  EXPECT_FALSE(name->is_address());
  EXPECT_EQ(name->dns, "www.example.org");
}

TEST(PeerName, is_an_address_where_it_reads_as_one) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::1", "::", "fe80::1:0:0:2"}) {
    const auto name = PeerName::parse(text);
    ASSERT_TRUE(name) << text;
    EXPECT_TRUE(name->is_address());
    EXPECT_EQ(to_string(*name), text);
  }
}

TEST(PeerName, refuses_what_is_neither) {
  for (const char* text : {"", ".", "a..b", "-a.example", "a-.example", "*.example.org", "a b",
                           "192.0.2", "192.0.2.256", "192.0.2.1.5", "1.2.3.400", "ex\x01.org",
                           "2001:db8::g", "::1%eth0", "[::1]", "höst.example"})
    EXPECT_FALSE(PeerName::parse(text)) << text;
  EXPECT_EQ(PeerName::parse("höst.example").error(),
            "'höst.example' has letters that are not ASCII: write its xn-- form");
  EXPECT_FALSE(PeerName::parse(std::string(64, 'a') + ".org"));
  EXPECT_FALSE(PeerName::parse(std::string_view("::1\0.evil", 9)));
}

TEST(DnsMatch, is_by_letters_without_their_case) {
  EXPECT_TRUE(dns_matches("Example.ORG", "example.org"));
  EXPECT_FALSE(dns_matches("example.org", "www.example.org"));
  EXPECT_FALSE(dns_matches("www.example.org", "example.org"));
  EXPECT_FALSE(dns_matches("example.org.", "example.org"));
  EXPECT_FALSE(dns_matches("", ""));
}

TEST(DnsMatch, lets_a_wildcard_stand_for_one_whole_label) {
  EXPECT_TRUE(dns_matches("*.example.org", "www.example.org"));
  EXPECT_TRUE(dns_matches("*.example.org", "xn--n3h.example.org"));
  EXPECT_FALSE(dns_matches("*.example.org", "example.org"));
  EXPECT_FALSE(dns_matches("*.example.org", "a.b.example.org"));
}

TEST(DnsMatch, knows_no_other_wildcards) {
  for (const char* pattern : {"*", "*.org", "w*.example.org", "*w.example.org", "www.*.org",
                              "*.*.org", "xn--*.example.org", "**.example.org"})
    EXPECT_FALSE(dns_matches(pattern, "www.example.org")) << pattern;
  EXPECT_FALSE(dns_matches("*.org", "example.org"));
}

}  // namespace
}  // namespace handfast::crypto
