#include "host/ports.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "support/lan.hpp"

namespace handfast::host {
namespace {

EphemeralPorts ports_of(u64 seed, u16 first, u16 last) {
  Rng rng(seed);
  return {SipKey::draw(rng), first, last};
}
const wire::IpAddress ours = test::address("192.0.2.1");
const wire::Endpoint peer = test::endpoint("192.0.2.9:80");

TEST(EphemeralPorts, come_to_a_peer_in_a_row_and_the_next_is_told_ahead) {
  EphemeralPorts ports = ports_of(1, 32768, 60999);
  u16 next = ports.pick(ours, peer, [](u16) { return true; })->next;
  for (int i = 0; i < 30'000; ++i) {
    const auto choice = ports.pick(ours, peer, [](u16) { return true; });
    ASSERT_EQ(choice->port, next);
    next = choice->next;
  }
}

TEST(EphemeralPorts, begin_elsewhere_for_each_peer_and_key) {
  std::set<u16> first;
  for (u64 seed = 1; seed <= 10; ++seed) {
    EphemeralPorts ports = ports_of(seed, 32768, 60999);
    for (u8 i = 0; i < 10; ++i) {
      const wire::Endpoint to{wire::IpAddress::v4(192, 0, 2, i), 80};
      first.insert(ports.pick(ours, to, [](u16) { return true; })->port);
    }
  }
  EXPECT_GE(first.size(), 95u);
}

TEST(EphemeralPorts, find_the_last_free_one_in_a_range_of_any_size) {
  for (u16 size = 1; size <= 200; ++size) {
    EphemeralPorts ports = ports_of(size, 40000, to<u16>(40000 + size - 1));
    std::set<u16> taken;
    for (u16 i = 0; i < size; ++i) {
      const auto choice = ports.pick(ours, peer, [&](u16 p) { return !taken.contains(p); });
      ASSERT_TRUE(choice.has_value()) << size;
      EXPECT_TRUE(taken.insert(choice->port).second);
    }
    EXPECT_EQ(*taken.begin(), 40000);
    EXPECT_EQ(*taken.rbegin(), 40000 + size - 1);
    EXPECT_FALSE(ports.pick(ours, peer, [&](u16 p) { return !taken.contains(p); }));
  }
}

TEST(EphemeralPorts, leave_a_block_of_busy_ones_with_few_tries) {
  EphemeralPorts ports = ports_of(3, 32768, 60999);
  u32 tries = 0;
  const auto is_free = [&](u16 port) {
    ++tries;
    return port < 40000 || port >= 50000;
  };
  for (int i = 0; i < 28'232; ++i) ASSERT_TRUE(ports.pick(ours, peer, is_free).has_value());
  EXPECT_LT(tries, 28'232u + 100);
}

}  // namespace
}  // namespace handfast::host
