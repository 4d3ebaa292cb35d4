// RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 9293 §3.2 (unknown options).
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::State;

TEST(WindowScale, is_offered_only_to_a_peer_that_offers_it) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  EXPECT_FALSE(peer.last().options.window_scale.has_value());
  peer.new_flow();
  peer.inject(syn().mss(1460).window_scale(3));
  peer.expect(syn_ack());
  EXPECT_TRUE(peer.last().options.window_scale.has_value());
}

TEST(WindowScale, applies_to_every_window_but_those_of_syns) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).window_scale(2).window(3000));
  peer.inject(ack().window(1000));  // 4000
  peer.send(8000);
  for (u32 i = 0; i < 4; ++i) peer.expect(data(1000).seq(1 + i * 1000));
  peer.expect_nothing(100ms);
}

TEST(WindowScale, beyond_14_is_taken_as_14) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).window_scale(15).window(3000));
  peer.inject(ack().window(1));  // 16384; were it 15, 32768
  peer.send(30'000);
  peer.let_pass(0ms);
  peer.inject(ack().ack(10'001).window(1));
  peer.let_pass(100ms);
  EXPECT_LE(peer.connection().remembered().snd_nxt - peer.last().acknowledgment, 0xffff'ffffu);
  const u32 sent_to = peer.last().sequence;
  peer.inject(ack().ack(10'001).window(1));
  peer.let_pass(0ms);
  EXPECT_LE(peer.last().sequence - sent_to, 16384u);
}

TEST(WindowScale, lets_the_receiver_offer_more_than_65535) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).window_scale(7).window(65535));
  u32 largest = 0;
  for (u32 i = 0; i < 400; ++i) {
    peer.inject(data(1460));
    if (i % 8 != 7) continue;
    peer.let_pass(50ms);
    peer.receive();
    largest = std::max<u32>(largest, peer.last().window);
  }
  EXPECT_GT(peer.connection().remembered().window, 0u);
  EXPECT_GT(largest, 0u);
}

TEST(Timestamps, are_used_only_where_both_ends_offer_them) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460));
  peer.send(10);
  peer.expect(data(10).no_timestamps());
  peer.new_flow();
  peer.inject(syn().mss(1460).timestamp(77));
  peer.expect(syn_ack().timestamps().echo(77));
  peer.inject(ack().timestamps());
  peer.accept();
  peer.send(10);
  peer.expect(data(10).timestamps());
}

TEST(Timestamps, echo_the_one_of_the_segment_that_is_acknowledged) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).timestamp(1000));
  peer.inject(data(10).timestamp(1010));
  peer.expect(ack().ack(11).echo(1010));
  // RFC 7323 §4.3: a segment beyond a hole does not move TS.Recent.
  peer.inject(data(10).seq(101).timestamp(1050));
  peer.expect(ack().ack(11).echo(1010));
  peer.inject(data(90).seq(11).timestamp(1030));
  peer.expect(ack().ack(111).echo(1030));
}

TEST(Timestamps, protect_against_wrapped_sequence_numbers) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).timestamp(1000));
  peer.inject(data(10).timestamp(2000));
  peer.expect(ack().ack(11));
  peer.inject(data(10).timestamp(1500));  // older than what we have seen: RFC 7323 §5.3 R1
  peer.expect(ack().ack(11).echo(2000));
  peer.expect_received(10);
  EXPECT_EQ(peer.host().tcp_counters().paws_rejected, 1u);
}

TEST(Timestamps, do_not_keep_rst_out) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).timestamp(1000));
  peer.inject(rst().seq(1));
  peer.expect_state(State::closed);
}

TEST(Timestamps, cost_twelve_bytes_of_each_segment) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).timestamp(1000));
  peer.send(1448 + 100);
  peer.expect(data(1448).timestamps());
  peer.expect(data(100).timestamps());
}

TEST(Timestamps, measure_the_round_trip_even_of_repeated_segments) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).timestamp(1000));
  peer.send(100);
  peer.expect(data(100));
  peer.let_pass(5s);  // repeated some times
  peer.expect_nothing(30ms);
  const u32 last_sent = peer.last().options.timestamps->value;
  const u64 timeouts = peer.host().tcp_counters().timeouts;
  EXPECT_GE(timeouts, 1u);
  peer.inject(ack().ack(101).timestamp(9000).echo(last_sent));
  EXPECT_EQ(peer.connection().unacknowledged(), 0u);
  EXPECT_LT(peer.connection().smoothed_rtt(), 4s);
}

TEST(Sack, reports_what_came_beyond_a_hole_newest_first) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).sack_permitted());
  peer.inject(data(100).seq(201));
  peer.expect(ack().ack(1).sack(201, 301));
  peer.inject(data(100).seq(401));
  peer.expect(ack().ack(1).sack(401, 501).sack(201, 301));
  peer.inject(data(100).seq(301));
  peer.expect(ack().ack(1).sack(201, 501));
  peer.inject(data(200).seq(1));
  peer.expect(ack().ack(501));
  EXPECT_EQ(peer.last().options.sack_count, 0);
  peer.expect_received(500);
}

TEST(Sack, is_not_sent_to_a_peer_that_did_not_permit_it) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460));
  peer.inject(data(100).seq(201));
  peer.expect(ack().ack(1));
  EXPECT_EQ(peer.last().options.sack_count, 0);
}

TEST(Sack, about_nothing_that_was_sent_is_ignored) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).sack_permitted());
  peer.send(3000);
  for (u32 i = 0; i < 3; ++i) peer.expect(data(1000));
  peer.inject(ack().ack(1).sack(50'000, 60'000).sack(2, 1).sack(0xffff'0000, 0));
  peer.inject(ack().ack(3001));
  peer.expect_nothing(10s);
  EXPECT_EQ(peer.connection().unacknowledged(), 0u);
}

TEST(Config, switches_options_off) {
  tcp::Config config;
  config.timestamps = config.sack = config.window_scaling = false;
  ScriptedPeer peer(config);
  peer.listen();
  peer.inject(syn().mss(1460).window_scale(7).sack_permitted().timestamp(5));
  peer.expect(syn_ack().mss(1460).no_timestamps());
  EXPECT_FALSE(peer.last().options.window_scale.has_value());
  EXPECT_FALSE(peer.last().options.sack_permitted);
}

}  // namespace
}  // namespace handfast::test
