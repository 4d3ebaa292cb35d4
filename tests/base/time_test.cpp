#include "base/time.hpp"

#include <gtest/gtest.h>

namespace handfast {
namespace {

constexpr Instant start{};

TEST(After, adds_where_the_sum_fits) {
  EXPECT_EQ(after(start, 5s), start + 5s);
  EXPECT_EQ(after(start + 5s, -2s), start + 3s);
}

TEST(After, stays_at_never_instead_of_wrapping_round) {
  EXPECT_EQ(after(never, 1ns), never);
  EXPECT_EQ(after(start + 1h, Duration::max()), never);
  EXPECT_EQ(after(never - 1ns, 1ns), never);
  EXPECT_EQ(after(never - 2ns, 1ns), never - 1ns);
}

TEST(After, takes_instants_before_the_epoch) {
  EXPECT_EQ(after(Instant::min(), Duration::max()), Instant(-1ns));
  EXPECT_EQ(after(start - 5s, 7s), start + 2s);
}

}  // namespace
}  // namespace handfast
