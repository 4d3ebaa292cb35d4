// To expect a frame changes nothing, whatever is in it.
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "support/lan.hpp"

namespace handfast::test {
namespace {

TEST(Expect, changes_nothing_whatever_the_frame_holds) {
  for (const auto link_type : {trace::LinkType::ip, trace::LinkType::ethernet}) {
    Lan lan;
    host::Host& server = lan.add(host_config(1, link_type));
    host::Host& client = lan.add(host_config(2, link_type));
    ASSERT_TRUE(server.listen(endpoint("192.0.2.1:80"), 4, lan.now).has_value());
    ASSERT_TRUE(client.connect(endpoint("192.0.2.1:80"), lan.now).has_value());
    lan.run_for(100ms);
    const auto before = server.counters();
    const host::Host::Census census = server.census();
    Rng rng(1);
    for (const Packet& seen : std::vector<Packet>(lan.seen)) {
      for (std::size_t size = 0; size <= seen.size(); ++size) {
        Packet spoiled(seen.begin(), seen.begin() + to<i64>(size));
        if (size > 0) spoiled[rng.below(size)] = to<u8>(rng.next());
        server.expect(0, spoiled);
      }
    }
    EXPECT_EQ(server.counters().frames_in, before.frames_in);
    EXPECT_EQ(server.counters().drops, before.drops);
    EXPECT_EQ(server.census().connections, census.connections);
    EXPECT_FALSE(Lan::events(server).empty());  // that of the connection, still
  }
}

}  // namespace
}  // namespace handfast::test
