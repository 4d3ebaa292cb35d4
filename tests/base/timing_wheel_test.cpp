#include "base/timing_wheel.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast {
namespace {

constexpr Instant start{};

TEST(TimingWheel, fires_at_the_exact_deadline_and_not_before) {
  TimingWheel wheel(start);
  wheel.set(3, start + 5ms);
  EXPECT_EQ(wheel.next(), start + 5ms);
  EXPECT_EQ(wheel.pop_due(start + 5ms - 1ns), std::nullopt);
  EXPECT_EQ(wheel.next(), start + 5ms);
  EXPECT_EQ(wheel.pop_due(start + 5ms), 3u);
  EXPECT_EQ(wheel.pop_due(start + 5ms), std::nullopt);
  EXPECT_EQ(wheel.next(), never);
}

TEST(TimingWheel, tells_two_deadlines_within_one_tick_apart) {
  TimingWheel wheel(start);
  wheel.set(0, start + 200ns);
  wheel.set(1, start + 100ns);
  EXPECT_EQ(wheel.next(), start + 100ns);
  EXPECT_EQ(wheel.pop_due(start + 150ns), 1u);
  EXPECT_EQ(wheel.pop_due(start + 150ns), std::nullopt);
  EXPECT_EQ(wheel.next(), start + 200ns);
  EXPECT_EQ(wheel.pop_due(start + 200ns), 0u);
}

TEST(TimingWheel, a_deadline_in_the_past_is_due_at_once) {
  TimingWheel wheel(start + 1h);
  wheel.set(0, start);
  EXPECT_LE(wheel.next(), start + 1h);
  EXPECT_EQ(wheel.pop_due(start + 1h), 0u);
}

TEST(TimingWheel, never_and_cancel_disarm) {
  TimingWheel wheel(start);
  wheel.set(0, start + 1s);
  wheel.set(1, start + 2s);
  wheel.set(0, never);
  wheel.cancel(1);
  wheel.cancel(1);
  wheel.cancel(77);
  wheel.set(78, never);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next(), never);
  EXPECT_EQ(wheel.deadline_of(0), never);
  EXPECT_EQ(wheel.deadline_of(1000), never);
  EXPECT_EQ(wheel.pop_due(start + 1h), std::nullopt);
}

TEST(TimingWheel, moving_a_node_changes_when_it_fires) {
  TimingWheel wheel(start);
  wheel.set(0, start + 1s);
  wheel.set(0, start + 10ms);
  EXPECT_EQ(wheel.deadline_of(0), start + 10ms);
  EXPECT_EQ(wheel.next(), start + 10ms);
  wheel.set(0, start + 3s);
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(wheel.pop_due(start + 2s), std::nullopt);
  EXPECT_EQ(wheel.pop_due(start + 3s), 0u);
}

TEST(TimingWheel, keeps_deadlines_centuries_ahead_and_epochs_long_past) {
  for (const Instant now : {start, start - 24h * 365 * 200, start + 24h * 365 * 50}) {
    TimingWheel wheel(now);
    const Instant far = now + 24h * 365 * 100;
    wheel.set(0, far);
    wheel.set(1, never - 1ns);
    u32 wakeups = 0;
    Instant at = now;
    while (wheel.size() == 2) {
      const Instant next = wheel.next();
      ASSERT_GT(next, at);  // progress
      ASSERT_LE(next, far);
      at = next;
      if (wheel.pop_due(at)) {
        EXPECT_EQ(at, far);
      }
      ++wakeups;
    }
    EXPECT_LT(wakeups, 100u);
    EXPECT_EQ(wheel.deadline_of(1), never - 1ns);
  }
}

TEST(TimingWheel, waking_up_for_a_distant_deadline_takes_few_steps) {
  TimingWheel wheel(start);
  wheel.set(0, start + 2h);  // keep-alive
  u32 wakeups = 0;
  for (Instant at = start; !wheel.pop_due(at); at = wheel.next()) ++wakeups;
  EXPECT_LE(wakeups, 7u);
}

// The model knows every deadline; the wheel must fire the same nodes at the same calls.
class Model {
 public:
  void set(u32 id, Instant deadline) {
    cancel(id);
    if (deadline == never) return;
    deadlines_[id] = deadline;
    order_.emplace(deadline, id);
  }
  void cancel(u32 id) {
    const auto armed = deadlines_.find(id);
    if (armed == deadlines_.end()) return;
    auto [at, end] = order_.equal_range(armed->second);
    while (at != end && at->second != id) ++at;
    order_.erase(at);
    deadlines_.erase(armed);
  }
  Instant next() const { return order_.empty() ? never : order_.begin()->first; }
  Instant deadline_of(u32 id) const {
    const auto armed = deadlines_.find(id);
    return armed == deadlines_.end() ? never : armed->second;
  }
  u32 size() const { return to<u32>(order_.size()); }

 private:
  std::map<u32, Instant> deadlines_;
  std::multimap<Instant, u32> order_;
};

Instant random_deadline(Rng& rng, Instant now) {
  switch (rng.below(16)) {
    case 0: return never;
    case 1: return now - Duration(rng.below(5'000'000'000));
    case 2: return never - Duration(rng.below(1000) + 1);
    default:  // every magnitude from 1 ns to some 70 years
      return now + Duration(rng.next() >> (3 + rng.below(61)));
  }
}

Duration random_step(Rng& rng) { return Duration(rng.below(u64{1} << rng.below(58))); }

void pop_all(TimingWheel& wheel, Model& model, Instant now) {
  while (const auto id = wheel.pop_due(now)) {
    ASSERT_LE(model.deadline_of(*id), now);
    ASSERT_EQ(wheel.deadline_of(*id), never);
    model.cancel(*id);
  }
  ASSERT_GT(model.next(), now) << "a node that is due was not given";
  ASSERT_LE(wheel.next(), model.next());
  ASSERT_TRUE(wheel.next() > now) << "next() would spin";
}

TEST(TimingWheel, agrees_with_a_sorted_map_over_random_operations) {
  for (u64 seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed);
    Instant now = start + Duration(i64(rng.next() >> 8)) - Duration(i64{1} << 55);
    TimingWheel wheel(now);
    Model model;
    for (int step = 0; step < 5000; ++step) {
      const u32 id = to<u32>(rng.below(64));
      switch (rng.below(6)) {
        case 0:
          wheel.cancel(id);
          model.cancel(id);
          break;
        case 1:
          if (now < start + 24h * 365 * 80) now += random_step(rng);
          ASSERT_NO_FATAL_FAILURE(pop_all(wheel, model, now));
          break;
        case 2:
          if (model.next() < start + 24h * 365 * 80) now = std::max(now, wheel.next());
          ASSERT_NO_FATAL_FAILURE(pop_all(wheel, model, now));
          break;
        default: {
          const Instant deadline = random_deadline(rng, now);
          wheel.set(id, deadline);
          model.set(id, deadline);
        }
      }
      ASSERT_EQ(wheel.size(), model.size());
      ASSERT_EQ(wheel.deadline_of(id), model.deadline_of(id));
      ASSERT_LE(wheel.next(), model.next());
    }
  }
}

TEST(TimingWheel, next_is_exact_for_deadlines_in_the_current_turn_of_the_lowest_level) {
  Rng rng(4);
  TimingWheel wheel(start);
  Model model;
  Instant now = start;
  for (int step = 0; step < 20'000; ++step) {
    const u32 id = to<u32>(rng.below(200));
    const Instant deadline = rng.below(4) == 0 ? never : now + Duration(rng.below(80'000'000));
    wheel.set(id, deadline);
    model.set(id, deadline);
    now += Duration(rng.below(1'000'000));
    ASSERT_NO_FATAL_FAILURE(pop_all(wheel, model, now));
    constexpr Duration turn{1 << 26};
    const bool same_turn = model.next() != never &&
                           model.next().time_since_epoch() / turn == now.time_since_epoch() / turn;
    if (same_turn) {
      ASSERT_EQ(wheel.next(), model.next());
    }
  }
}

TEST(TimingWheel, the_same_operations_give_the_same_order) {
  const auto run = [] {
    Rng rng(8);
    TimingWheel wheel(start);
    for (u32 id = 0; id < 500; ++id) wheel.set(id, start + Duration(rng.below(10'000'000)));
    std::vector<u32> order;
    while (const auto id = wheel.pop_due(start + 1s)) order.push_back(*id);
    return order;
  };
  EXPECT_EQ(run().size(), 500u);
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace handfast
