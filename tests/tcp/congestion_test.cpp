// RFC 5681, RFC 9438 and RFC 9406 as arithmetic.
#include <gtest/gtest.h>

#include "tcp/congestion/control.hpp"

namespace handfast::tcp {
namespace {

constexpr u32 mss = 1460;

/// Acknowledges one full window, an MSS at a time, each with the same round trip.
template <class Control>
void acknowledge_window(Control& control, Instant now, Duration rtt, u32& una) {
  const u32 window = control.window();
  const u32 end = una + window;
  while (una != end) {
    const u32 step = std::min(mss, end - una);
    una += step;
    control.on_ack({step, mss, una, una + control.window(), rtt, rtt, now});
  }
}

TEST(Reno, doubles_in_slow_start_and_adds_one_segment_a_window_after_it) {
  Reno reno(mss, 10);
  u32 una = 0;
  acknowledge_window(reno, Instant(1s), 50ms, una);
  EXPECT_EQ(reno.window(), 20 * mss);
  reno.on_loss(mss, Instant(1s));
  reno.set_window(reno.threshold());
  EXPECT_EQ(reno.window(), 10 * mss);
  acknowledge_window(reno, Instant(1s), 50ms, una);
  EXPECT_EQ(reno.window(), 11 * mss);
  reno.undo();
  EXPECT_EQ(reno.window(), 20 * mss);
}

TEST(Reno, a_timeout_leaves_one_segment_and_half_as_threshold) {
  Reno reno(mss, 10);
  reno.on_timeout(mss, Instant(1s));
  EXPECT_EQ(reno.window(), mss);
  EXPECT_EQ(reno.threshold(), 5 * mss);
}

TEST(Cubic, the_curve_is_four_tenths_of_the_cube_of_seconds) {
  EXPECT_EQ(Cubic::cubic_offset(0, mss), 0);
  EXPECT_EQ(Cubic::cubic_offset(1000, mss), 584);          // 0.4 segments
  EXPECT_EQ(Cubic::cubic_offset(-2000, mss), -8 * 584);    // 3.2 segments
  EXPECT_EQ(Cubic::cubic_offset(10'000, mss), 400 * mss);  // 0.4 * 1000 segments
}

TEST(Cubic, comes_back_to_the_old_maximum_after_k_seconds) {
  // 30 segments to go: cbrt(30 / 0.4) = 4.217 s.
  EXPECT_EQ(Cubic::time_to_maximum(30 * mss, mss), 4217u);
  EXPECT_EQ(Cubic::time_to_maximum(0, mss), 0u);
}

TEST(Cubic, is_back_at_the_maximum_at_k_and_passes_it_slowly) {
  Cubic cubic(mss, 1000);
  cubic.on_loss(mss, Instant(10s));
  cubic.set_window(cubic.threshold());
  EXPECT_EQ(cubic.window(), 700 * mss);
  // K = cbrt(300 / 0.4) = 9.086 s, in rounds of 100 ms.
  u32 una = 0;
  Instant now(10s);
  for (int round = 0; round < 91; ++round, now += 100ms) acknowledge_window(cubic, now, 100ms, una);
  EXPECT_NEAR(cubic.window(), 1000 * mss, 10 * mss);
  for (int round = 0; round < 10; ++round, now += 100ms) acknowledge_window(cubic, now, 100ms, una);
  EXPECT_LT(cubic.window(), 1010 * mss);
}

TEST(Cubic, follows_reno_where_reno_is_faster) {
  Cubic cubic(mss, 20);
  Reno reno(mss, 20);
  cubic.on_loss(mss, Instant(10s));
  cubic.set_window(cubic.threshold());
  u32 una = 0;
  Instant now(10s);
  // With a round trip of 2 ms the cubic has hardly moved after 200 rounds, RFC 9438 §4.3.
  for (int round = 0; round < 200; ++round, now += 2ms) acknowledge_window(cubic, now, 2ms, una);
  EXPECT_GT(cubic.window(), 100 * mss);
}

TEST(Cubic, undo_brings_the_window_back) {
  Cubic cubic(mss, 100);
  cubic.on_timeout(mss, Instant(10s));
  EXPECT_EQ(cubic.window(), mss);
  cubic.undo();
  EXPECT_EQ(cubic.window(), 100 * mss);
  EXPECT_TRUE(cubic.window() < cubic.threshold());
}

TEST(HyStart, leaves_slow_start_when_the_round_trip_has_grown_for_five_rounds) {
  Cubic cubic(mss, 10);
  u32 una = 0;
  Instant now(1s);
  Duration rtt = 40ms;
  for (int round = 0; round < 4; ++round, now += rtt) acknowledge_window(cubic, now, rtt, una);
  EXPECT_EQ(cubic.window(), 160 * mss);
  // 40 / 8 = 5 ms more than the round before begins conservative slow start: a quarter as fast.
  rtt = 46ms;
  int rounds = 0;
  while (cubic.window() < cubic.threshold() && rounds < 20) {
    acknowledge_window(cubic, now, rtt, una);
    now += rtt;
    ++rounds;
  }
  EXPECT_GE(rounds, 5);
  EXPECT_LE(rounds, 8);
  EXPECT_LT(cubic.window(), 1200 * mss);
}

TEST(CongestionControl, is_the_algorithm_that_was_asked_for) {
  CongestionControl reno(Algorithm::reno, mss, 10);
  CongestionControl cubic(Algorithm::cubic, mss, 10);
  reno.on_loss(mss, Instant(1s));
  cubic.on_loss(mss, Instant(1s));
  EXPECT_EQ(reno.threshold(), 5 * mss);
  EXPECT_EQ(cubic.threshold(), 7 * mss);
}

}  // namespace
}  // namespace handfast::tcp
