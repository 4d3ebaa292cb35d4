// What TIME-WAIT records keep of a flow is all of it, for each address that a host can have.
#include "host/small_flow.hpp"

#include <gtest/gtest.h>

#include "host/config.hpp"

namespace handfast::host {
namespace {

wire::IpAddress address(std::string_view text) { return *wire::IpAddress::parse(text); }

TEST(SmallFlow, is_the_whole_flow_for_each_of_our_addresses) {
  Config config;
  config.interfaces = {
      InterfaceConfig{.addresses = {{address("192.0.2.1"), 24}, {address("2001:db8::1"), 64}}},
      InterfaceConfig{.addresses = {{address("2001:db8:1::1"), 64}, {address("fe80::7"), 64}}}};
  const Routes routes(config);
  for (const char* local :
       {"192.0.2.1", "127.0.0.9", "::1", "2001:db8::1", "2001:db8:1::1", "fe80::7"}) {
    const bool v4 = address(local).is_v4();
    const wire::Flow flow{{address(local), 40000},
                          {address(v4 ? "198.51.100.7" : "2001:db8:5::5"), 80}};
    const SmallFlow small(flow, routes);
    EXPECT_EQ(small.whole(routes), flow) << local;
    EXPECT_TRUE(small.is(flow, routes)) << local;
    wire::Flow other = flow;
    ++other.remote.port;
    EXPECT_FALSE(small.is(other, routes)) << local;
  }
}

}  // namespace
}  // namespace handfast::host
