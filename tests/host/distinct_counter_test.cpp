#include "host/distinct_counter.hpp"

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast::host {
namespace {

TEST(DistinctCounter, is_right_within_a_fifth_for_few_and_for_many) {
  for (const u64 things :
       {u64{0}, u64{1}, u64{10}, u64{300}, u64{1000}, u64{20'000}, u64{500'000}}) {
    DistinctCounter counter;
    for (int times = 0; times < 2; ++times) {
      Rng rng(5);
      for (u64 i = 0; i < things; ++i) counter.add(rng.next());
    }
    EXPECT_NEAR(static_cast<double>(counter.estimate()), static_cast<double>(things),
                0.2 * static_cast<double>(things));
  }
}

}  // namespace
}  // namespace handfast::host
