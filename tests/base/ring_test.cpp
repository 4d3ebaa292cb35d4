#include "base/ring.hpp"

#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast {
namespace {

std::string text_of(const Ring& ring) {
  std::string text;
  for (const Bytes piece : ring.view(0, ring.size())) text += as_text(piece);
  return text;
}

void append(Ring& ring, std::string_view text) {
  ring.write_at(ring.size(), as_bytes(text));
  ring.commit(to<u32>(text.size()));
}

class RingTest : public testing::Test {
 protected:
  ~RingTest() override { ring_.release(pool_); }
  BufferPool pool_{1 << 20};
  Ring ring_;
};

TEST_F(RingTest, holds_no_block_until_it_must_and_none_when_empty) {
  EXPECT_EQ(ring_.capacity(), 0u);
  EXPECT_TRUE(ring_.space().empty());
  EXPECT_TRUE(ring_.front().empty());
  ASSERT_TRUE(ring_.reserve(10, pool_));
  append(ring_, "abc");
  ring_.release_if_empty(pool_);
  EXPECT_EQ(text_of(ring_), "abc");
  ring_.consume(3);
  ring_.release_if_empty(pool_);
  EXPECT_EQ(ring_.capacity(), 0u);
  EXPECT_EQ(pool_.bytes_lent(), 0u);
}

TEST_F(RingTest, view_gives_two_pieces_where_the_content_wraps) {
  ASSERT_TRUE(ring_.reserve(2048, pool_));
  append(ring_, std::string(2040, 'x'));
  ring_.consume(2040);
  append(ring_, "0123456789abcdef");
  EXPECT_EQ(as_text(ring_.view(0, 16)[0]), "01234567");
  EXPECT_EQ(as_text(ring_.view(0, 16)[1]), "89abcdef");
  EXPECT_EQ(as_text(ring_.view(7, 2)[0]), "7");
  EXPECT_EQ(as_text(ring_.view(7, 2)[1]), "8");
  EXPECT_EQ(as_text(ring_.view(8, 3)[0]), "89a");
  EXPECT_TRUE(ring_.view(8, 3)[1].empty());
  EXPECT_EQ(as_text(ring_.front()), "01234567");
  EXPECT_TRUE(ring_.view(16, 0)[0].empty());
}

TEST_F(RingTest, what_was_written_beyond_the_end_is_taken_in_by_commit_even_after_growth) {
  ASSERT_TRUE(ring_.reserve(2048, pool_));
  append(ring_, std::string(2045, 'x'));
  ring_.consume(2045);
  append(ring_, "ab");
  ring_.write_at(4, as_bytes("ef"));  // out of order: a hole at 2 and 3
  ASSERT_TRUE(ring_.reserve(4096, pool_, 4));
  EXPECT_EQ(ring_.capacity(), 4096u);
  ring_.write_at(2, as_bytes("cd"));
  ring_.commit(4);
  EXPECT_EQ(text_of(ring_), "abcdef");
}

TEST_F(RingTest, says_no_and_stays_whole_where_the_pool_has_nothing) {
  BufferPool small(4096);
  Ring ring;
  ASSERT_TRUE(ring.reserve(2048, small));
  append(ring, "abc");
  EXPECT_FALSE(ring.reserve(2049, small));  // 4096 more would exceed the cap
  EXPECT_EQ(text_of(ring), "abc");
  EXPECT_EQ(ring.capacity(), 2048u);
  ring.release(small);
}

TEST_F(RingTest, space_and_commit_fill_the_ring_in_place) {
  ASSERT_TRUE(ring_.reserve(2048, pool_));
  append(ring_, std::string(2000, 'x'));
  ring_.consume(1000);
  EXPECT_EQ(ring_.space().size(), 48u);
  ring_.space()[0] = 'y';
  ring_.commit(48);
  EXPECT_EQ(ring_.space().size(), 1000u);
  ring_.commit(1000);
  EXPECT_TRUE(ring_.space().empty());
  EXPECT_EQ(text_of(ring_)[1000], 'y');
}

TEST_F(RingTest, behaves_like_a_deque_under_random_use) {
  Rng rng(11);
  std::deque<u8> model;
  u8 counter = 0;
  for (int step = 0; step < 20'000; ++step) {
    switch (rng.below(4)) {
      case 0: ring_.reserve(to<u32>(rng.below(16'384)), pool_); break;
      case 1: {
        std::string bytes(rng.below(ring_.room() + 1), '\0');
        for (char& byte : bytes) {
          byte = static_cast<char>(++counter);
          model.push_back(counter);
        }
        append(ring_, bytes);
        break;
      }
      case 2: {
        const u32 n = to<u32>(rng.below(ring_.size() + 1));
        ring_.consume(n);
        model.erase(model.begin(), model.begin() + n);
        break;
      }
      default:
        if (rng.below(50) == 0) ring_.release_if_empty(pool_);
    }
    ASSERT_EQ(ring_.size(), model.size());
    const u32 at = to<u32>(rng.below(ring_.size() + 1));
    const u32 length = to<u32>(rng.below(ring_.size() - at + 1));
    u32 position = at;
    for (const Bytes piece : ring_.view(at, length))
      for (const u8 byte : piece) ASSERT_EQ(byte, model[position++]);
    ASSERT_EQ(position, at + length);
  }
}

TEST(RingDeathTest, reading_or_writing_past_the_end_is_our_bug) {
  BufferPool pool(1 << 20);
  Ring ring;
  ASSERT_TRUE(ring.reserve(2048, pool));
  EXPECT_DEATH((void)ring.view(0, 1), "ASSERT");
  EXPECT_DEATH(ring.consume(1), "ASSERT");
  EXPECT_DEATH(ring.commit(2049), "ASSERT");
  EXPECT_DEATH(ring.write_at(2047, as_bytes("ab")), "ASSERT");
  ring.release(pool);
}

}  // namespace
}  // namespace handfast
