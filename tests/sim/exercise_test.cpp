// The fuzzer's exercise with inputs drawn from seeds: what a corpus cannot hold, in every suite.
#include "sim/exercise.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "support/seeds.hpp"

namespace handfast::test {
namespace {

constexpr u64 shards = 4;
class EventsInAnyOrder : public testing::TestWithParam<u64> {};

/// Bytes that mean something to Exercise: deliveries are frequent, and most runs have no segment
/// that may spoil the connection, so that it must come to a good end.
std::vector<u8> draw_input(u64 seed) {
  Rng rng(seed);
  std::vector<u8> input;
  const bool gentle = rng.chance({3, 4});
  for (u32 i = 0; i < 3; ++i) input.push_back(to<u8>(rng.next()));
  if (rng.chance({1, 2})) input[2] &= 1;
  const u64 steps = rng.below(400);
  for (u64 step = 0; step < steps; ++step) {
    const u64 what = rng.below(20);
    const auto call = [&](u64 kind, u64 bytes) {
      input.push_back(to<u8>(kind << 1 | rng.below(2)));
      for (u64 i = 0; i < bytes; ++i) input.push_back(to<u8>(rng.next()));
    };
    if (what < 9)
      call(0, 0);
    else if (what < 12)
      call(1, 2);
    else if (what < 14)
      call(2, 2);
    else if (what < 16)
      call(3, 2);
    else if (what < 18)
      call(5, 1);
    else if (what == 18 && !gentle)
      call(6, 30);
    else if (what == 18) {
      if (rng.chance({1, 30})) call(4, 0);
    } else {
      input.push_back(to<u8>(7u << 1 | rng.below(2)));
      input.push_back(to<u8>(rng.below(gentle ? 250 : 256)));
    }
  }
  return input;
}

TEST_P(EventsInAnyOrder, keep_the_tcbs_in_order_and_leave_nobody_stuck) {
  const SeedRange seeds = seeds_of_shard(GetParam(), shards, 4000);
  if (seeds.first == seeds.last) GTEST_SKIP() << "no seed for this shard";
  for (u64 seed = seeds.first; seed < seeds.last; ++seed) {
    const std::vector<u8> input = draw_input(seed);
    EXPECT_EQ(sim::Exercise(input).run(), "") << replay_command(
        seed, "sim_tests", "Seeds/EventsInAnyOrder.keep_the_tcbs_in_order_and_leave_nobody_stuck");
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EventsInAnyOrder, testing::Range(u64{0}, shards));

}  // namespace
}  // namespace handfast::test
