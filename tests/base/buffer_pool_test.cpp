#include "base/buffer_pool.hpp"

#include <bit>

#include <gtest/gtest.h>

namespace handfast {
namespace {

TEST(BufferPool, lends_powers_of_two_that_are_large_enough) {
  BufferPool pool(256 << 20);
  for (const u32 size : {0u, 1u, 2048u, 2049u, 65536u, 65537u, BufferPool::block_max}) {
    const MutBytes block = pool.take(size);
    EXPECT_GE(block.size(), size);
    EXPECT_GE(block.size(), BufferPool::block_min);
    EXPECT_TRUE(std::has_single_bit(block.size()));
    EXPECT_EQ(pool.bytes_lent(), block.size());
    pool.give(block);
  }
  EXPECT_EQ(pool.bytes_lent(), 0u);
}

TEST(BufferPool, gives_the_same_block_again) {
  BufferPool pool(1 << 20);
  const MutBytes first = pool.take(4096);
  u8* memory = first.data();
  pool.give(first);
  const MutBytes again = pool.take(4000);
  EXPECT_EQ(again.data(), memory);
  pool.give(again);
}

TEST(BufferPool, refuses_beyond_the_cap_and_the_largest_block) {
  BufferPool pool(8192);
  const MutBytes one = pool.take(4096);
  const MutBytes two = pool.take(4096);
  EXPECT_FALSE(two.empty());
  EXPECT_TRUE(pool.take(1).empty());
  pool.give(one);
  EXPECT_TRUE(pool.take(8192).empty());
  pool.give(two);
  const MutBytes large = pool.take(8192);
  EXPECT_EQ(large.size(), 8192u);
  pool.give(large);
  EXPECT_TRUE(pool.take(BufferPool::block_max + 1).empty());
  pool.give({});
}

TEST(BufferPool, what_it_keeps_does_not_add_to_the_cap) {
  BufferPool pool(64 << 10);
  for (int i = 0; i < 3; ++i) {
    std::array<MutBytes, 32> small;
    for (MutBytes& block : small) block = pool.take(2048);
    for (const MutBytes block : small) pool.give(block);
    EXPECT_EQ(pool.bytes_kept(), 64u << 10);
    const MutBytes large = pool.take(48 << 10);
    EXPECT_EQ(large.size(), 64u << 10);
    EXPECT_EQ(pool.bytes_kept(), 0u);
    pool.give(large);
  }
}

TEST(BufferPoolDeathTest, a_block_that_never_came_back_is_our_bug) {
  EXPECT_DEATH(
      {
        BufferPool pool(8192);
        (void)pool.take(1);
      },
      "ASSERT");
}

}  // namespace
}  // namespace handfast
