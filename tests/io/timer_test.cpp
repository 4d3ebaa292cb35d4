#include "io/timer.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include <asio/experimental/as_tuple.hpp>
#include <gtest/gtest.h>

#include "io/detail/timer_queue.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {
namespace {

TEST(Sleep, lasts_exactly_as_long_as_asked) {
  TwoStacks net;
  net.spawn([](TwoStacks& n) -> asio::awaitable<void> {
    const Instant before = n.now();
    co_await n.client->async_sleep(1234567ns, asio::use_awaitable);
    EXPECT_EQ(n.now() - before, 1234567ns);
    co_await n.client->async_sleep(0s, asio::use_awaitable);
    EXPECT_EQ(n.now() - before, 1234567ns);
    co_await n.client->async_sleep(-1s, asio::use_awaitable);
    EXPECT_EQ(n.now() - before, 1234567ns);
  }(net));
  net.run_coroutines();
}

TEST(Sleep, of_the_same_length_ends_in_the_order_of_beginning) {
  TwoStacks net;
  std::vector<u32> order;
  std::vector<u32> expected;
  for (u32 i = 0; i < 100; ++i) {
    net.client->async_sleep(1s, [&order, i](std::error_code) { order.push_back(i); });
    expected.push_back(i);
  }
  net.run_for(1s);
  EXPECT_EQ(order, expected);
}

TEST(Timer, can_be_moved_and_tells_those_who_waited) {
  TwoStacks net;
  Timer timer(*net.client, 1s);
  std::string told;
  const auto note = [&](std::error_code error) { told += error ? "aborted," : "expired,"; };
  timer.async_wait(note);
  timer.async_wait(note);
  timer.expires_after(2s);
  timer.async_wait(note);
  net.run_for(1500ms);
  EXPECT_EQ(told, "aborted,aborted,");
  net.run_for(500ms);
  EXPECT_EQ(told, "aborted,aborted,expired,");
  timer.async_wait(note);  // it has expired: at once
  net.run_for(0s);
  EXPECT_EQ(told, "aborted,aborted,expired,expired,");
}

struct Node final : detail::TimerNode {
  void expired() override { log->push_back(number); }
  void stopped() override { log->push_back(~number); }
  std::vector<u32>* log = nullptr;
  u32 number = 0;
};

TEST(TimerQueue, agrees_with_a_sorted_list) {
  constexpr u32 count = 200;
  Rng rng(5);
  for (int round = 0; round < 50; ++round) {
    detail::TimerQueue queue;
    std::vector<u32> log;
    std::vector<Node> nodes(count);
    std::vector<std::pair<i64, u32>> armed;
    for (u32 i = 0; i < count; ++i) nodes[i].log = &log, nodes[i].number = i;
    for (u32 i = 0; i < 3 * count; ++i) {
      const u32 number = to<u32>(rng.below(count));
      const i64 when = to<i64>(rng.below(50));
      std::erase_if(armed, [&](const auto& entry) { return entry.second == number; });
      if (rng.chance({1, 4})) {
        queue.cancel(nodes[number]);
      } else {
        queue.set(nodes[number], Instant(Duration(when)));
        armed.emplace_back(when, number);
      }
    }
    std::stable_sort(armed.begin(), armed.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    ASSERT_EQ(queue.deadline(), Instant(Duration(armed.front().first)));
    queue.expire(Instant(24ns));
    std::vector<u32> expected;
    for (const auto& [when, number] : armed)
      if (when <= 24) expected.push_back(number);
    ASSERT_EQ(log, expected);
    queue.stop();
    EXPECT_EQ(log.size(), armed.size());
    EXPECT_EQ(queue.deadline(), never);
  }
}

}  // namespace
}  // namespace handfast::io
