// What a segment costs does not grow with what else there is, shown by counting and not by time:
// how often a lookup goes to an object to see whether it is the right one.
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "base/rng.hpp"
#include "host/flow_table.hpp"
#include "host/ports.hpp"
#include "support/lan.hpp"

namespace handfast::host {
namespace {

wire::Flow flow_number(u32 n) {
  return {{wire::IpAddress::v4(192, 0, 2, 1), 80},
          {wire::IpAddress::v4(10, to<u8>(n >> 16), to<u8>(n >> 8), to<u8>(n)),
           to<u16>(1024 + n % 60000)}};
}

/// Objects looked at for 1,000 flows of `count`, the kinds of entries mixed.
u64 objects_looked_at(u32 count) {
  Rng rng(count);
  FlowTable table(SipKey::draw(rng));
  std::vector<wire::Flow> flows;
  for (u32 i = 0; i < count; ++i) {
    flows.push_back(flow_number(i));
    table.insert(flows.back(), {to<FlowEntry::Kind>(i % 3), i});
  }
  u64 looked_at = 0;
  const auto find = [&](const wire::Flow& flow) {
    return table.find(flow, [&](FlowEntry e) {
      ++looked_at;
      return flows[e.index] == flow;
    });
  };
  for (u32 i = 0; i < 1000; ++i) {
    const u32 n = to<u32>(rng.below(count));
    EXPECT_EQ(find(flows[n])->index, n);
    EXPECT_FALSE(find(flow_number(count + n)));
  }
  return looked_at;
}

TEST(FlatCost, of_a_segment_among_connections_half_open_and_time_wait) {
  // One object for each flow that is there, and none for one that is not; a full 32-bit hash in
  // common is rare even among 100,000.
  EXPECT_EQ(objects_looked_at(1), 1000u);
  EXPECT_LE(objects_looked_at(1000), 1001u);
  EXPECT_LE(objects_looked_at(100'000), 1005u);
}

// As they come from one host behind one address, or from a scan.
TEST(FlatCost, of_cells_searched_for_flows_that_hardly_differ) {
  constexpr u32 count = 20'000;
  for (u64 seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    const SipKey key = SipKey::draw(rng);
    for (const bool v4 : {true, false}) {
      for (u32 which = 0; which < 3; ++which) {
        FlowTable table(key);
        const auto flow_of = [&](u32 i) {
          wire::Flow flow{{test::address(v4 ? "192.0.2.1" : "2001:db8::1"), 80},
                          {test::address(v4 ? "10.0.0.0" : "2001:db8::"), 40000}};
          if (which == 0) flow.local.port = to<u16>(i);
          if (which == 1) flow.remote.port = to<u16>(i);
          if (which == 2) store_be16(flow.remote.address.octets.data() + (v4 ? 14 : 6), to<u16>(i));
          return flow;
        };
        for (u32 i = 0; i < count; ++i) table.insert(flow_of(i), {{}, i});
        u64 searched = 0;
        for (u32 i = count; i < 2 * count; ++i) searched += table.cells_searched(flow_of(i));
        // By chance it is 4 cells each, at 20,000 of 32,768.
        EXPECT_LE(searched, 6 * count) << "seed " << seed << (v4 ? " v4 " : " v6 ") << which;
      }
    }
  }
}

TEST(FlatCost, of_cells_searched_in_a_table_of_any_size) {
  Rng rng(1);
  for (const u32 count : {10u, 1000u, 100'000u}) {
    HashIndex index;
    std::vector<u32> hashes;
    for (u32 i = 0; i < count; ++i) {
      hashes.push_back(to<u32>(rng.next()));
      index.insert(hashes.back(), i);
    }
    u64 hits = 0;
    u64 misses = 0;
    for (u32 i = 0; i < count; ++i) {
      hits += index.cells_searched(hashes[i]);
      misses += index.cells_searched(to<u32>(rng.next()));
    }
    // Linear probing at 5/8: (1 + 1 / (1 - a)^2) / 2 is 4.1 for a search that finds nothing.
    EXPECT_LE(hits, 5 * u64{count}) << count;
    EXPECT_LE(misses, 5 * u64{count}) << count;
  }
}

TEST(FlatCost, of_a_syn_among_listeners) {
  constexpr u32 count = 100'000;  // two addresses, every port but a few
  PortIndex listeners;
  std::vector<wire::Endpoint> endpoints;
  for (u32 i = 0; i < count; ++i) {
    endpoints.push_back(
        {wire::IpAddress::v4(192, 0, 2, to<u8>(1 + i / 50'000)), to<u16>(1 + i % 50'000)});
    listeners.insert(endpoints.back().port, i);
  }
  u64 looked_at = 0;
  const auto endpoint_of = [&](u32 i) -> const wire::Endpoint& {
    ++looked_at;
    return endpoints[i];
  };
  for (u32 i = 0; i < count; ++i) EXPECT_EQ(listeners.find(endpoints[i], endpoint_of), i);
  EXPECT_LE(looked_at, 2 * u64{count}) << "one for each address that has the port";
}

}  // namespace
}  // namespace handfast::host
