#include "base/slab.hpp"

#include <memory>
#include <set>

#include <gtest/gtest.h>

namespace handfast {
namespace {

TEST(Slab, finds_what_was_put_in_at_a_stable_address) {
  Slab<int> slab;
  const Handle<int> first = slab.emplace(1);
  int* address = slab.find(first);
  for (int i = 0; i < 1000; ++i) slab.emplace(i);
  EXPECT_EQ(slab.find(first), address);
  EXPECT_EQ(*address, 1);
  EXPECT_EQ(slab.size(), 1001u);
  EXPECT_EQ(slab.handle_at(first.index), first);
  EXPECT_EQ(slab.at(first.index), address);
}

TEST(Slab, the_zero_handle_finds_nothing) {
  Slab<int> slab;
  EXPECT_EQ(slab.find({}), nullptr);
  slab.emplace(1);
  EXPECT_EQ(slab.find({}), nullptr);
  EXPECT_FALSE(Handle<int>{});
}

TEST(Slab, an_old_handle_does_not_find_the_successor_in_its_slot) {
  Slab<int> slab;
  const Handle<int> old = slab.emplace(1);
  slab.erase(old);
  EXPECT_EQ(slab.find(old), nullptr);
  EXPECT_EQ(slab.at(old.index), nullptr);
  const Handle<int> successor = slab.emplace(2);
  EXPECT_EQ(successor.index, old.index);
  EXPECT_NE(successor, old);
  EXPECT_EQ(slab.find(old), nullptr);
  EXPECT_EQ(*slab.find(successor), 2);
}

TEST(Slab, a_made_up_handle_finds_nothing) {
  Slab<int> slab;
  const Handle<int> handle = slab.emplace(1);
  EXPECT_EQ(slab.find({handle.index + 1, handle.generation}), nullptr);
  EXPECT_EQ(slab.find({handle.index, handle.generation + 1}), nullptr);
  slab.erase(handle);
  EXPECT_EQ(slab.find({handle.index, handle.generation + 1}), nullptr);  // the empty slot's own
}

TEST(Slab, slots_are_used_again_before_new_ones) {
  Slab<int> slab;
  std::set<u32> indices;
  for (int round = 0; round < 100; ++round) {
    const Handle<int> a = slab.emplace(round);
    const Handle<int> b = slab.emplace(round);
    indices.insert({a.index, b.index});
    slab.erase(a);
    slab.erase(b);
  }
  EXPECT_EQ(indices.size(), 2u);
  EXPECT_EQ(slab.index_end(), 2u);
  EXPECT_EQ(slab.size(), 0u);
}

TEST(Slab, destroys_each_object_once) {
  const auto witness = std::make_shared<int>(0);
  {
    Slab<std::shared_ptr<int>> slab;
    const auto gone = slab.emplace(witness);
    slab.emplace(witness);
    slab.emplace(witness);
    EXPECT_EQ(witness.use_count(), 4);
    slab.erase(gone);
    EXPECT_EQ(witness.use_count(), 3);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(SlabDeathTest, erasing_twice_is_our_bug) {
  Slab<int> slab;
  const Handle<int> handle = slab.emplace(1);
  slab.erase(handle);
  EXPECT_DEATH(slab.erase(handle), "ASSERT");
}

}  // namespace
}  // namespace handfast
