// The map of what came out of order, against a set of bytes that is kept one by one.
#include "tcp/reassembly.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast::test {
namespace {

using tcp::Ranges;
using tcp::seq_ge;
using tcp::seq_le;
using wire::SackBlock;

constexpr u32 base = 0xffff'fe00;  // the sequence numbers wrap in the middle
constexpr u32 bytes = 1024;

TEST(Ranges, know_every_byte_that_was_added) {
  for (u64 seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    Ranges ranges;
    std::set<u32> model;  // offsets
    for (u32 step = 0; step < 60; ++step) {
      const u32 start = to<u32>(rng.below(bytes));
      const u32 end = start + 1 + to<u32>(rng.below(40));
      ASSERT_TRUE(ranges.add(base + start, base + end, 1024));
      for (u32 at = start; at < end; ++at) model.insert(at);
      const u32 asked = to<u32>(rng.below(bytes));
      EXPECT_EQ(ranges.contains(base + asked, base + asked + 1), model.contains(asked));
      std::array<SackBlock, 4> blocks;
      const u8 count = ranges.sack_blocks(blocks);
      ASSERT_GE(count, 1);
      EXPECT_TRUE(seq_le(blocks[0].left, base + start) && seq_ge(blocks[0].right, base + end));
      for (u8 b = 0; b < count; ++b) {
        EXPECT_TRUE(model.contains(blocks[b].left - base));
        EXPECT_TRUE(model.contains(blocks[b].right - 1 - base));
        EXPECT_FALSE(model.contains(blocks[b].left - 1 - base));
        EXPECT_FALSE(model.contains(blocks[b].right - base));
      }
    }
    u32 next = 0;
    while (model.contains(next)) ++next;
    EXPECT_EQ(ranges.advance(base), base + next);
  }
}

TEST(Ranges, report_the_most_recent_first_and_none_twice) {
  Ranges ranges;
  for (const u32 start : {100u, 300u, 500u, 700u, 900u}) ranges.add(start, start + 100, 64);
  ranges.add(350, 360, 64);
  std::array<SackBlock, 4> blocks;
  ASSERT_EQ(ranges.sack_blocks(blocks), 4);
  EXPECT_EQ(blocks[0], (SackBlock{300, 400}));
  EXPECT_EQ(blocks[1], (SackBlock{900, 1000}));
  EXPECT_EQ(blocks[2], (SackBlock{700, 800}));
  EXPECT_EQ(blocks[3], (SackBlock{500, 600}));
}

TEST(Ranges, refuse_what_would_be_one_too_many_but_not_what_joins) {
  Ranges ranges;
  ASSERT_TRUE(ranges.add(100, 200, 2));
  ASSERT_TRUE(ranges.add(300, 400, 2));
  EXPECT_FALSE(ranges.add(500, 600, 2));
  EXPECT_TRUE(ranges.add(200, 300, 2));
  EXPECT_EQ(ranges.size(), 1u);
}

}  // namespace
}  // namespace handfast::test
