#include "base/rng.hpp"

#include <array>

#include <gtest/gtest.h>

namespace handfast {
namespace {

// Computed with an independent implementation of splitmix64 and xoshiro256**: a seed that somebody
// reports must mean the same on every machine and in every later version.
TEST(Rng, a_seed_gives_the_published_sequence) {
  Rng zero(0);
  for (const u64 expected : {0x99ec5f36cb75f2b4u, 0xbf6e1f784956452au, 0x1a5f849d4933e6e0u})
    EXPECT_EQ(zero.next(), expected);
  Rng answer(42);
  for (const u64 expected : {0x15780b2e0c2ec716u, 0x6104d9866d113a7eu, 0xae17533239e499a1u})
    EXPECT_EQ(answer.next(), expected);
}

TEST(Rng, below_gives_the_same_numbers_everywhere) {
  Rng rng(7);
  for (const u64 expected : {700u, 278u, 839u, 981u, 990u, 872u, 60u, 104u, 403u, 151u})
    EXPECT_EQ(rng.below(1000), expected);
}

TEST(Rng, works_at_compile_time) {
  static_assert([] {
    Rng rng(0);
    return rng.next();
  }() == 0x99ec5f36cb75f2b4);
}

TEST(Rng, below_stays_below_its_bound_and_reaches_every_value) {
  Rng rng(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(rng.below(seen.size()));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(rng.below(0), 0u);
  EXPECT_EQ(rng.below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(rng.below(~u64{0}), ~u64{0});
}

TEST(Rng, chance_is_the_exact_fraction_in_the_long_run) {
  Rng rng(1);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) hits += rng.chance({2, 100}) ? 1 : 0;
  EXPECT_EQ(hits, 2038);  // 2000 expected; the number itself belongs to seed 1
}

TEST(Rng, chance_of_nothing_never_happens_and_of_all_always) {
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(rng.chance({}));
    EXPECT_FALSE(rng.chance({0, 5}));
    EXPECT_TRUE(rng.chance({5, 5}));
    EXPECT_FALSE(rng.chance({0, 0}));
  }
}

TEST(Rng, a_fork_does_not_disturb_its_parent) {
  Rng one(9), two(9);
  Rng child = one.fork();
  (void)two.fork();
  for (int i = 0; i < 10; ++i) (void)child.next();
  EXPECT_EQ(one.next(), two.next());
}

}  // namespace
}  // namespace handfast
