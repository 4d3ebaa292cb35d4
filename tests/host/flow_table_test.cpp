#include "host/flow_table.hpp"

#include <map>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "host/hash_index.hpp"
#include "support/lan.hpp"

namespace handfast::host {
namespace {

wire::Flow draw_flow(Rng& rng) {
  // Few values each, so that the same flow comes again and again.
  wire::Flow flow{
      {wire::IpAddress::v4(192, 0, 2, 1), to<u16>(80 + rng.below(2))},
      {wire::IpAddress::v4(198, 51, 100, to<u8>(rng.below(20))), to<u16>(1000 + rng.below(50))}};
  if (rng.chance({1, 2})) {
    flow.local.address = test::address("2001:db8::1");
    flow.remote.address = test::address("2001:db8::2");
    flow.remote.address.octets[15] = to<u8>(rng.below(20));
  }
  return flow;
}

TEST(FlowTable, agrees_with_a_map_over_random_inserts_replacements_and_erasures) {
  for (u64 seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    FlowTable table(SipKey::draw(rng));
    std::map<wire::Flow, FlowEntry> model;
    std::map<u32, wire::Flow> flow_by_index;  // of all kinds: indices are never reused here
    u32 next = 0;
    for (int step = 0; step < 5000; ++step) {
      const wire::Flow flow = draw_flow(rng);
      const auto known = model.find(flow);
      const auto found =
          table.find(flow, [&](FlowEntry e) { return flow_by_index[e.index] == flow; });
      ASSERT_EQ(found.has_value(), known != model.end()) << "seed " << seed << " step " << step;
      if (known == model.end()) {
        const FlowEntry entry{to<FlowEntry::Kind>(rng.below(3)), next++};
        flow_by_index[entry.index] = flow;
        table.insert(flow, entry);
        model[flow] = entry;
        continue;
      }
      ASSERT_EQ(*found, known->second);
      if (rng.chance({1, 2})) {
        table.erase(flow, known->second);
        model.erase(known);
      } else {
        const FlowEntry entry{FlowEntry::Kind::time_wait, next++};
        flow_by_index[entry.index] = flow;
        table.replace(flow, known->second, entry);
        known->second = entry;
      }
      ASSERT_EQ(table.size(), model.size());
    }
  }
}

TEST(HashIndex, keeps_colliding_values_apart_and_findable_after_erasures) {
  HashIndex index;
  for (u32 value = 0; value < 100; ++value) index.insert(7, value);
  for (u32 value = 0; value < 100; value += 2) index.erase(7, value);
  for (u32 value = 0; value < 100; ++value) {
    const u32 found = index.find(7, [&](u32 v) { return v == value; });
    EXPECT_EQ(found, value % 2 == 1 ? value : HashIndex::none);
  }
  EXPECT_EQ(index.size(), 50u);
  EXPECT_EQ(index.find(8, [](u32) { return true; }), HashIndex::none);
}

TEST(HashIndex, erases_across_the_end_of_its_cells) {
  HashIndex index;
  // Of 16 cells the last two overflow to the front.
  for (u32 value = 0; value < 6; ++value) index.insert(14 + value / 2, value);
  index.erase(14, 0);
  for (u32 value = 1; value < 6; ++value)
    EXPECT_EQ(index.find(14 + value / 2, [&](u32 v) { return v == value; }), value);
}

}  // namespace
}  // namespace handfast::host
