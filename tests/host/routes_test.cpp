#include "host/routes.hpp"

#include <gtest/gtest.h>

#include "support/lan.hpp"

namespace handfast::host {
namespace {

using test::address;
using trace::LinkType;

Config two_interfaces() {
  Config config = test::host_config(1, LinkType::ethernet);
  InterfaceConfig second{.link_type = LinkType::ethernet, .mac = test::mac(9)};
  second.addresses = {{address("10.1.0.1"), 8}, {address("10.1.2.1"), 24}};
  second.gateway_v4 = address("10.1.0.254");
  config.interfaces[0].gateway_v6 = address("2001:db8::ff");
  config.interfaces.push_back(second);
  add_link_locals(config);
  return config;
}

TEST(Routes, the_longest_prefix_decides) {
  const Config config = two_interfaces();
  const Routes routes(config);
  EXPECT_EQ(routes.route(address("192.0.2.77"))->interface, 0);
  EXPECT_EQ(routes.route(address("10.9.9.9"))->interface, 1);
  EXPECT_EQ(routes.route(address("10.9.9.9"))->next_hop, address("10.9.9.9"));
  EXPECT_EQ(routes.source_for(*routes.route(address("10.1.2.9")), address("10.1.2.9")),
            address("10.1.2.1"));
}

TEST(Routes, what_is_far_goes_to_the_gateway_of_its_family) {
  const Config config = two_interfaces();
  const Routes routes(config);
  const auto v4 = routes.route(address("203.0.113.5"));
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->interface, 1);
  EXPECT_EQ(v4->next_hop, address("10.1.0.254"));
  const auto v6 = routes.route(address("2001:db8:1::5"));
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->interface, 0);
  EXPECT_EQ(v6->next_hop, address("2001:db8::ff"));
}

TEST(Routes, link_local_destinations_never_go_to_a_gateway) {
  const Config config = two_interfaces();
  const Routes routes(config);
  EXPECT_EQ(routes.route(address("fe80::1"), Interface{1})->interface, 1);
  EXPECT_EQ(routes.route(address("fe80::1"), Interface{1})->next_hop, address("fe80::1"));
  EXPECT_FALSE(routes.route(address("169.254.1.1")).has_value());
}

TEST(Routes, sources_match_the_scope_of_the_destination) {
  const Config config = two_interfaces();
  const Routes routes(config);
  const auto near = routes.route(address("fe80::1"));
  EXPECT_EQ(routes.source_for(*near, address("fe80::1")), link_local_of(test::mac(1)));
  const auto wide = routes.route(address("2001:db8:1::5"));
  EXPECT_EQ(routes.source_for(*wide, address("2001:db8:1::5")), address("2001:db8::1"));
}

TEST(Routes, our_own_addresses_lead_back_to_us) {
  const Config config = two_interfaces();
  const Routes routes(config);
  for (const char* ours : {"192.0.2.1", "10.1.2.1", "2001:db8::1", "127.0.0.1", "::1"})
    EXPECT_EQ(routes.route(address(ours))->interface, routes.loopback()) << ours;
}

TEST(Routes, broadcasts_of_a_prefix_are_known_as_such) {
  const Config config = two_interfaces();
  const Routes routes(config);
  EXPECT_EQ(routes.route(address("192.0.2.255"))->cast, Cast::broadcast);
  EXPECT_EQ(routes.route(address("255.255.255.255"))->cast, Cast::broadcast);
  EXPECT_EQ(routes.route(address("224.1.2.3"))->cast, Cast::multicast);
  EXPECT_EQ(routes.accepts(0, address("192.0.2.255")), Cast::broadcast);
  EXPECT_FALSE(routes.accepts(1, address("192.0.2.255")).has_value());
}

TEST(Routes, an_address_belongs_to_its_interface) {
  const Config config = two_interfaces();
  const Routes routes(config);
  EXPECT_EQ(routes.accepts(0, address("192.0.2.1")), Cast::unicast);
  EXPECT_FALSE(routes.accepts(1, address("192.0.2.1")).has_value());
  EXPECT_FALSE(routes.accepts(0, address("127.0.0.1")).has_value());
}

TEST(Routes, the_link_local_address_comes_from_the_mac) {
  EXPECT_EQ(link_local_of({{0x00, 0x1b, 0x44, 0x11, 0x3a, 0xb7}}),
            address("fe80::21b:44ff:fe11:3ab7"));
}

TEST(Routes, a_host_route_has_no_broadcast_address) {
  Config config;
  InterfaceConfig interface;
  interface.addresses = {{address("192.0.2.1"), 32}, {address("198.51.100.0"), 31}};
  config.interfaces = {interface};
  const Routes routes(config);
  EXPECT_EQ(routes.accepts(0, address("192.0.2.1")), Cast::unicast);
  EXPECT_EQ(routes.route(address("198.51.100.1"))->cast, Cast::unicast);
  EXPECT_FALSE(routes.route(address("192.0.2.2")).has_value());
}

}  // namespace
}  // namespace handfast::host
