// The engine alone, two ends on a wire: RFC 9293 §3.5 (open), §3.6 (close), §3.8 (data).
#include <string>

#include <gtest/gtest.h>

#include "connection_pair.hpp"

namespace handfast::tcp {
namespace {

std::string pattern(std::size_t n, u64 seed) {
  Rng rng(seed);
  std::string text(n, '\0');
  for (char& c : text) c = to<char>(rng.below(256));
  return text;
}

TEST(ConnectionPair, three_segments_open_and_both_ends_hear_of_it) {
  ConnectionPair pair(Config{}, {}, 1);
  pair.open();
  pair.run(100ms);
  EXPECT_EQ(pair.client.connection->state(), State::established);
  ASSERT_NE(pair.server.connection, nullptr);
  EXPECT_EQ(pair.server.connection->state(), State::established);
  EXPECT_EQ(pair.segments, 3u);
  EXPECT_EQ(pair.client.events, std::vector{Event::connected});
  EXPECT_EQ(pair.client.connection->smoothed_rtt(), 20ms);
}

TEST(ConnectionPair, four_segments_close) {
  ConnectionPair pair(Config{}, {}, 1);
  pair.open();
  pair.run(100ms);
  const u64 before = pair.segments;
  pair.client.connection->close(pair.now);
  pair.run(100ms);
  EXPECT_EQ(pair.client.connection->state(), State::fin_wait_2);
  EXPECT_EQ(pair.server.connection->state(), State::close_wait);
  pair.server.connection->close(pair.now);
  pair.run(100ms);
  EXPECT_EQ(pair.client.connection->state(), State::time_wait);
  EXPECT_EQ(pair.server.connection->state(), State::closed);
  EXPECT_EQ(pair.segments - before, 4u);
}

TEST(ConnectionPair, nothing_may_be_sent_after_close_and_changes_nothing) {
  ConnectionPair pair(Config{}, {}, 1);
  pair.open();
  pair.run(100ms);
  Connection& client = *pair.client.connection;
  client.close(pair.now);
  EXPECT_TRUE(client.send_space(1).empty());
  client.send(0);
  client.send_urgent(0);
  pair.run(100ms);
  EXPECT_EQ(client.state(), State::fin_wait_2);
  client.send(0, true);
  pair.server.connection->close(pair.now);
  pair.run(100ms);
  EXPECT_EQ(client.state(), State::time_wait);
  EXPECT_FALSE(pair.server.connection->has_urgent());
}

TEST(ConnectionPair, simultaneous_close_goes_through_closing) {
  ConnectionPair pair(Config{}, {}, 1);
  pair.open();
  pair.run(100ms);
  pair.client.connection->close(pair.now);
  pair.server.connection->close(pair.now);
  pair.run(15ms);
  EXPECT_EQ(pair.client.connection->state(), State::closing);
  EXPECT_EQ(pair.server.connection->state(), State::closing);
  pair.run(100ms);
  EXPECT_EQ(pair.client.connection->state(), State::time_wait);
  EXPECT_EQ(pair.server.connection->state(), State::time_wait);
}

TEST(ConnectionPair, a_megabyte_each_way_arrives_whole_and_fast) {
  ConnectionPair pair(Config{}, {}, 1);
  pair.client.to_send = pattern(1 << 20, 1);
  pair.server.to_send = pattern(1 << 20, 2);
  const std::string up = pair.client.to_send;
  const std::string down = pair.server.to_send;
  pair.open();
  pair.client.close_when_sent = true;
  pair.server.close_when_sent = true;
  pair.run(50ms);
  ASSERT_TRUE(pair.run_until_closed(10s));
  EXPECT_EQ(pair.server.received, up);
  EXPECT_EQ(pair.client.received, down);
  EXPECT_EQ(pair.client.context.counters.segments_retransmitted, 0u);
  EXPECT_EQ(pair.server.context.counters.segments_retransmitted, 0u);
}

TEST(ConnectionPair, a_closed_window_is_probed_and_opens_again) {
  Config config;
  config.receive_buffer_max = 8192;
  ConnectionPair pair(config, {}, 1);
  pair.client.to_send = pattern(100'000, 1);
  const std::string up = pair.client.to_send;
  pair.server.reads = false;
  pair.client.close_when_sent = true;
  pair.server.close_on_peer_close = true;
  pair.open();
  pair.run(60s);
  EXPECT_EQ(pair.server.connection->received_size(), 8192u);
  EXPECT_GE(pair.client.context.counters.zero_window_probes, 3u);
  EXPECT_EQ(pair.client.context.counters.timeouts, 0u);
  pair.server.reads = true;
  ASSERT_TRUE(pair.run_until_closed(120s));
  EXPECT_EQ(pair.server.received, up);
}

class LossyWire : public testing::TestWithParam<bool> {};

TEST_P(LossyWire, delivers_every_byte_in_order_and_both_ends_finish) {
  Config config;
  config.sack = GetParam();
  for (u64 seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ConnectionPair pair(config, {10ms, {1, 10}, {1, 10}, {1, 10}}, seed);
    pair.client.to_send = pattern(60'000, seed);
    pair.server.to_send = pattern(90'000, seed + 1);
    const std::string up = pair.client.to_send;
    const std::string down = pair.server.to_send;
    pair.client.close_when_sent = true;
    pair.server.close_when_sent = true;
    pair.open();
    ASSERT_TRUE(pair.run_until_closed(3600s))
        << to_string(pair.client.connection->state()) << " "
        << (pair.server.connection ? to_string(pair.server.connection->state()) : "none");
    ASSERT_EQ(pair.server.received, up);
    ASSERT_EQ(pair.client.received, down);
    ASSERT_EQ(pair.client.connection->error(), Errc::none);
    ASSERT_EQ(pair.server.connection->error(), Errc::none);
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutSack, LossyWire, testing::Bool());

}  // namespace
}  // namespace handfast::tcp
