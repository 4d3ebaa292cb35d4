// How much of a bad path one flow gets, and how two share it: always the same numbers, because
// nothing in a world is left to chance. The table is kept, so that a regression is a diff.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/bulk.hpp"
#include "sim/world.hpp"

namespace handfast::test {
namespace {

using sim::Bulk;
using sim::Node;
using sim::World;

constexpr u64 rate = 50'000'000;     // bit/s
constexpr Duration measured = 20s;   // from the SYN on
constexpr u32 queue_min = 7 * 1500;  // bytes

struct Path {
  Ratio loss{};
  Ratio reorder{};  // by 1 ms
  Duration round_trip{};
  u32 buffer_percent = 100;  // of what the path holds
};

link::ImpairmentOptions wire_of(const Path& path) {
  const u64 holds = rate / 8 * to<u64>(path.round_trip / 1ms) / 1000;
  link::ImpairmentOptions wire;
  wire.delay = path.round_trip / 2;
  wire.rate = rate;
  wire.queue_bytes = std::max(to<u32>(holds * path.buffer_percent / 100), queue_min);
  wire.loss = path.loss;
  wire.reorder = path.reorder;
  wire.reorder_delay = 1ms;
  return wire;
}

/// Bytes that one flow delivers.
u64 delivered(const Path& path, u64 seed) {
  World world(seed);
  Node& a = world.add(sim::host_config("a", 1));
  Node& b = world.add(sim::host_config("b", 2));
  world.connect(a, b, wire_of(path));
  Bulk flow(world, a, b, 7);
  world.run_for(measured);
  return flow.received();
}

/// In Mbit/s, with two digits that mean something.
std::string goodput(const Path& path) {
  const u64 seeds = path.loss.numerator < 10 ? 1 : 4;  // chance matters where it is frequent
  u64 bytes = 0;
  for (u64 seed = 1; seed <= seeds; ++seed) bytes += delivered(path, seed);
  const u64 kilobits = bytes * 8 / (seeds * to<u64>(measured / 1ms));
  u64 unit = 1;
  while (kilobits / unit >= 100) unit *= 10;
  const u64 rounded = (kilobits + unit / 2) / unit * unit;
  return fmt::format("{:g}", static_cast<double>(rounded) / 1000);
}

std::string table() {
  std::string text =
      "# Goodput of one flow in Mbit/s over 50 Mbit/s: loss x round trip x buffer.\n"
      "# A buffer of 100% holds as much as the path. Both directions lose alike.\n"
      "# Written by HANDFAST_UPDATE=1 build/release/bin/sim_tests --gtest_filter='Goodput.*'\n"
      "fault\tbuffer\t2 ms\t20 ms\t50 ms\t200 ms\n";
  struct Row {
    std::string_view name;
    Ratio loss;
    Ratio reorder;
  };
  for (const Row& row : {Row{"none", {}, {}}, Row{"loss 0.1%", {1, 1000}, {}},
                         Row{"loss 1%", {10, 1000}, {}}, Row{"loss 5%", {50, 1000}, {}},
                         Row{"loss 10%", {100, 1000}, {}}, Row{"reordering 5%", {}, {50, 1000}}}) {
    for (const u32 buffer : {25u, 100u}) {
      text += fmt::format("{}\t{}%", row.name, buffer);
      for (const Duration round_trip : {2ms, 20ms, 50ms, 200ms})
        text += "\t" + goodput({row.loss, row.reorder, round_trip, buffer});
      text += "\n";
    }
  }
  return text;
}

TEST(Goodput, of_one_flow_is_what_the_kept_table_says) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the same numbers as without a sanitizer, and ten times as slow";
#endif
  const std::string path = HANDFAST_SOURCE_DIR "/tests/sim/goodput.tsv";
  const std::string now = table();
  if (std::getenv("HANDFAST_UPDATE") != nullptr) {
    std::ofstream(path) << now;
    return;
  }
  std::ifstream file(path);
  std::stringstream kept;
  kept << file.rdbuf();
  EXPECT_EQ(now, kept.str()) << "if the change is meant: HANDFAST_UPDATE=1 build/release/bin/"
                                "sim_tests --gtest_filter='Goodput.*', and commit the table";
}

struct Sharing {
  Duration round_trip;
  u32 buffer_percent;
  tcp::Algorithm second;
};

class Fairness : public testing::TestWithParam<Sharing> {};

TEST_P(Fairness, of_two_flows_over_one_bottleneck_is_at_least_nine_tenths) {
  const Sharing& how = GetParam();
  World world(1);
  sim::Switch& hub = world.add_switch();
  const auto ethernet = trace::LinkType::ethernet;
  host::Config other = sim::host_config("b", 2, ethernet);
  other.tcp.congestion = how.second;
  Node& a = world.add(sim::host_config("a", 1, ethernet));
  Node& b = world.add(other);
  Node& to = world.add(sim::host_config("to", 3, ethernet));
  world.connect(a, hub);
  world.connect(b, hub);
  world.connect(to, hub,
                wire_of({.round_trip = how.round_trip, .buffer_percent = how.buffer_percent}));
  Bulk first(world, a, to, 7);
  Bulk second(world, b, to, 8, 5s);  // the first has taken everything by then
  world.run_for(40s);                // CUBIC takes some of its epochs to make room
  const u64 before_first = first.received();
  const u64 before_second = second.received();
  world.run_for(60s);
  const std::array shares{first.received() - before_first, second.received() - before_second};
  EXPECT_GE(sim::fairness(shares), 0.9) << shares[0] << " and " << shares[1] << " bytes";
  EXPECT_GE((shares[0] + shares[1]) * 8, rate * 60 / 100 * 85);
}

INSTANTIATE_TEST_SUITE_P(Paths, Fairness,
                         testing::Values(Sharing{20ms, 50, tcp::Algorithm::cubic},
                                         Sharing{20ms, 200, tcp::Algorithm::cubic},
                                         Sharing{50ms, 100, tcp::Algorithm::cubic},
                                         Sharing{50ms, 50, tcp::Algorithm::cubic},
                                         Sharing{20ms, 100, tcp::Algorithm::reno}));

}  // namespace
}  // namespace handfast::test
