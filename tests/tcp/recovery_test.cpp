// Loss, and what only looked like it: RFC 8985 §7, RFC 2883, RFC 3522, RFC 5682.
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "connection_pair.hpp"

namespace handfast::tcp {
namespace {

/// Two ends in ESTABLISHED after a first exchange, so that the round trip is known.
ConnectionPair& established(ConnectionPair& pair) {
  pair.open();
  pair.client.to_send = "hello";
  pair.run(1s);
  return pair;
}

TEST(TailLossProbe, mends_a_lost_last_segment_before_the_retransmission_timeout) {
  ConnectionPair pair(Config{}, {}, 1);
  established(pair);
  pair.lose_next_data(1);
  pair.client.to_send = "the last words";
  const Instant start = pair.now;
  pair.run_until([&] { return pair.server.received.ends_with("the last words"); }, 5s);
  EXPECT_EQ(pair.client.context.counters.tail_loss_probes, 1u);
  EXPECT_EQ(pair.client.context.counters.timeouts, 0u);
  // 2 SRTT (20 ms each) and 200 ms for a delayed ACK, and half a round trip.
  EXPECT_LE(pair.now - start, 260ms);
}

TEST(TailLossProbe, lets_the_rest_of_a_lost_tail_be_repaired_without_a_timeout) {
  ConnectionPair pair(Config{}, {}, 1);
  established(pair);
  pair.client.to_send = std::string(8 * 1448, 'x');
  pair.lose_data_after(5);
  const std::size_t whole = 5 + pair.client.to_send.size();
  pair.run_until([&] { return pair.server.received.size() == whole; }, 5s);
  EXPECT_EQ(pair.server.received.size(), whole);
  EXPECT_EQ(pair.client.context.counters.timeouts, 0u);
  EXPECT_EQ(pair.client.context.counters.tail_loss_probes, 1u);
  EXPECT_EQ(pair.client.context.counters.fast_retransmits, 1u);
}

TEST(TailLossProbe, is_not_sent_without_sack) {
  Config config;
  config.sack = false;
  ConnectionPair pair(config, {}, 1);
  established(pair);
  pair.lose_next_data(1);
  pair.client.to_send = "the last words";
  pair.run_until([&] { return pair.server.received.ends_with("the last words"); }, 5s);
  EXPECT_EQ(pair.client.context.counters.tail_loss_probes, 0u);
  EXPECT_EQ(pair.client.context.counters.timeouts, 1u);
}

TEST(DuplicateSack, reports_a_segment_that_came_twice) {
  ConnectionPair pair(Config{}, {10ms, {}, {1, 1}, {}}, 1);
  established(pair);
  pair.client.to_send = std::string(20'000, 'x');
  pair.run(1s);
  EXPECT_EQ(pair.server.received.size(), 20'005u);
  EXPECT_GT(pair.client.context.counters.duplicates_reported, 5u);
  EXPECT_EQ(pair.client.context.counters.segments_retransmitted, 0u);
}

class SpuriousTimeout : public testing::TestWithParam<bool> {};

TEST_P(SpuriousTimeout, is_taken_back_when_the_path_was_only_slow) {
  Config config;
  config.timestamps = GetParam();
  config.tail_loss_probe = false;
  ConnectionPair pair(config, {}, 1);
  established(pair);
  pair.client.to_send = std::string(30 * 1448, 'x');
  pair.run(1ms);
  const u32 window = pair.client.connection->congestion_window();
  pair.slow_down(150ms);  // what is on the wire is late, not lost
  pair.client.to_send = std::string(30 * 1448, 'y');
  pair.run_until([&] { return pair.client.context.counters.spurious_recoveries > 0; }, 3s);
  EXPECT_EQ(pair.client.context.counters.timeouts, 1u);
  EXPECT_EQ(pair.client.context.counters.spurious_recoveries, 1u);
  EXPECT_GE(pair.client.connection->congestion_window(), window);
  EXPECT_LE(pair.client.context.counters.segments_retransmitted, 2u);
  pair.run(5s);
  EXPECT_EQ(pair.server.received.size(), 5 + 60 * 1448u);
}

// With timestamps by their echo (RFC 3522), without by F-RTO (RFC 5682).
TEST_P(SpuriousTimeout, is_taken_back_after_a_second_one_as_well) {
  Config config;
  config.timestamps = GetParam();
  config.tail_loss_probe = false;
  ConnectionPair pair(config, {}, 1);
  established(pair);
  pair.client.to_send = std::string(60 * 1448, 'x');
  pair.run(1ms);
  pair.slow_down(400ms);
  pair.run(30s);
  EXPECT_EQ(pair.client.context.counters.timeouts, 2u);
  EXPECT_EQ(pair.client.context.counters.spurious_recoveries, 1u);
  EXPECT_LE(pair.client.context.counters.segments_retransmitted, 2u);
  EXPECT_EQ(pair.server.received.size(), 5 + 60 * 1448u);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutTimestamps, SpuriousTimeout, testing::Bool());

TEST(ReorderingWindow, grows_with_the_peers_duplicate_reports_until_reordering_costs_little) {
  // Held back by half a round trip: more than the quarter that RFC 8985 begins with.
  ConnectionPair pair(Config{}, {.delay = 10ms, .reorder = {2, 100}}, 1);
  established(pair);
  pair.client.to_send = std::string(9'000'000, 'x');
  pair.run_until([&] { return pair.server.received.size() >= 1'000'000; }, 60s);
  const u64 before = pair.client.context.counters.segments_retransmitted;
  EXPECT_GT(before, 0u) << "it had to learn";
  pair.run_until([&] { return pair.server.received.size() == 9'000'005; }, 60s);
  EXPECT_EQ(pair.server.received.size(), 9'000'005u);
  EXPECT_LE(pair.client.context.counters.segments_retransmitted, 3 * before) << "in nine times";
  EXPECT_EQ(pair.client.context.counters.timeouts, 0u);
}

TEST(IdleRestart, a_window_that_was_not_used_for_long_shrinks_to_the_initial_one) {
  ConnectionPair pair(Config{}, {}, 1);
  established(pair);
  pair.client.to_send = std::string(1 << 20, 'x');
  pair.run(5s);
  const u32 grown = pair.client.connection->congestion_window();
  ASSERT_GT(grown, 30 * 1448u);
  pair.run(60s);
  pair.client.to_send = "x";
  pair.run(1ms);
  EXPECT_EQ(pair.client.connection->congestion_window(), 10 * 1448u);
}

}  // namespace
}  // namespace handfast::tcp
