// RFC 9293 §3.8, data: order, acknowledgment (§3.8.6.3), windows (§3.8.6), Nagle (§3.7.4).
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::State;

TEST(Receive, hands_on_data_that_comes_in_order) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100));
  peer.inject(data(200));
  peer.expect_received(300);
  peer.expect_told(tcp::Event::readable);
}

TEST(Receive, keeps_data_out_of_order_and_says_so_at_once) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100).seq(201));
  peer.expect(ack().ack(1));  // RFC 5681 §4.2: an immediate duplicate ACK
  peer.inject(data(100).seq(101));
  peer.expect(ack().ack(1));
  peer.expect_received(0);
  peer.inject(data(100).seq(1));
  peer.expect(ack().ack(301));  // "when it fills in all or part of a gap", at once as well
  peer.expect_received(300);
}

TEST(Receive, remembers_a_fin_that_comes_before_the_text_in_front_of_it) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(fin().seq(301));
  peer.expect(ack().ack(1));
  peer.expect_state(State::established);
  peer.inject(data(300).seq(1));
  peer.expect(ack().ack(302));
  peer.expect_received(300);
  peer.expect_state(State::close_wait);
}

TEST(Receive, takes_only_what_is_new_of_overlapping_segments) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100).seq(1));
  peer.inject(data(100).seq(51));   // half old
  peer.inject(data(100).seq(251));  // beyond a hole
  peer.inject(data(150).seq(201));  // overlaps what is kept, on both sides
  peer.inject(data(60).seq(146));   // fills the hole and more
  peer.inject(data(20).seq(10));    // all old
  peer.expect_received(350);
}

TEST(Receive, answers_an_old_duplicate_with_an_ack) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100));
  peer.let_pass(1s);
  peer.inject(data(100).seq(1));
  peer.expect(ack().ack(101));
  peer.expect_received(100);
}

TEST(Receive, answers_a_segment_outside_the_window_with_an_ack_and_drops_it) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100).seq(10'000'000));
  peer.expect(ack().seq(1).ack(1));
  peer.expect_received(0);
}

TEST(Receive, cuts_what_lies_beyond_the_window) {
  tcp::Config config;
  config.receive_buffer_max = 4096;
  config.receive_window_initial = 4096;
  ScriptedPeer peer(config);
  peer.open_passive();
  for (u32 at = 1; at < 4096; at += 1024) peer.inject(data(1400).seq(at));
  peer.expect_received(4096);
}

TEST(DelayedAck, waits_no_longer_than_configured) {
  tcp::Config config;
  config.quick_acks = 0;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.inject(data(100));
  peer.expect(ack().ack(101), about(40ms));
  peer.expect_nothing(10s);
}

TEST(DelayedAck, goes_out_for_every_second_full_segment) {
  tcp::Config config;
  config.quick_acks = 0;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.inject(data(1460));
  peer.expect_nothing();
  peer.inject(data(1460));
  peer.expect(ack().ack(2921));
  peer.inject(data(1460));
  peer.expect_nothing();
  peer.inject(data(1460));
  peer.expect(ack().ack(5841));
}

TEST(DelayedAck, rides_on_data) {
  tcp::Config config;
  config.quick_acks = 0;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.inject(data(100));
  peer.send(50);
  peer.expect(data(50).ack(101));
  peer.inject(ack());
  peer.expect_nothing(1s);
}

TEST(DelayedAck, is_not_used_in_the_beginning) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100));
  peer.expect(ack().ack(101));
}

TEST(Send, cuts_the_stream_at_the_peers_mss) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(500));
  peer.send(1200);
  peer.expect(data(500).seq(1));
  peer.expect(data(500).seq(501));
  peer.expect(data(200).seq(1001));  // Nagle, as Minshall has it: no other part segment is out
}

TEST(Send, assumes_536_bytes_where_the_peer_names_no_mss) {
  ScriptedPeer peer;
  peer.open_passive(syn());
  peer.send(600);
  peer.expect(data(536).seq(1));
}

TEST(Send, pushes_the_end_of_what_the_application_sent) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(2000);
  peer.expect(data(1460).seq(1));
  peer.expect(data(540).seq(1461));
  EXPECT_TRUE(peer.last().has(wire::TcpFlags::psh));
}

TEST(Send, begins_with_ten_segments) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(30 * 1460);
  for (u32 i = 0; i < 10; ++i) peer.expect(data(1460).seq(1 + i * 1460));  // RFC 6928
  peer.expect_nothing(100ms);
}

TEST(Send, doubles_the_window_for_each_round_trip_of_slow_start) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(40 * 1460);
  for (u32 i = 0; i < 10; ++i) peer.expect(data(1460).seq(1 + i * 1460));
  for (u32 i = 1; i <= 10; ++i) {
    peer.inject(ack().ack(1 + i * 1460));
    peer.expect(data(1460).seq(1 + (8 + 2 * i) * 1460));
    peer.expect(data(1460).seq(1 + (9 + 2 * i) * 1460));
  }
}

TEST(Nagle, holds_a_second_small_segment_until_the_first_is_acknowledged) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(10);
  peer.expect(data(10).seq(1));
  peer.send(10);
  peer.send(10);
  peer.expect_nothing(100ms);
  peer.inject(ack().ack(11));
  peer.expect(data(20).seq(11));
}

TEST(Nagle, can_be_switched_off) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](tcp::Settings& s) { s.no_delay = true; });
  peer.send(10);
  peer.expect(data(10).seq(1));
  peer.send(10);
  peer.expect(data(10).seq(11));
}

TEST(Nagle, does_not_hold_full_segments) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(10);
  peer.expect(data(10).seq(1));
  peer.send(1460 * 2);
  peer.expect(data(1460).seq(11));
  peer.expect(data(1460).seq(1471));
}

TEST(SendWindow, is_not_overrun) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).window(2500));
  peer.inject(ack().window(2500));
  peer.send(10'000);
  peer.expect(data(1000).seq(1));
  const u32 first = peer.last().sequence;
  peer.expect(data(1000).seq(1001));
  // The silly-window rule of RFC 9293 §3.8.6.2.1 lets the last 500 go now or later.
  peer.let_pass(150ms);
  EXPECT_GE(peer.connection().remembered().snd_nxt - first, 2000u);
  EXPECT_LE(peer.connection().remembered().snd_nxt - first, 2500u);
  peer.inject(ack().ack(2501).window(1000));
  peer.let_pass(1s);
  EXPECT_GE(peer.connection().unacknowledged(), 6500u);
}

TEST(SendWindow, ignores_an_update_older_than_the_last) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100).seq(1).window(65535));
  peer.let_pass(1s);
  peer.inject(ack().seq(1).window(0));  // SEG.SEQ < SND.WL1
  peer.let_pass(1s);
  peer.send(1000);
  peer.expect(data(1000).seq(1));
}

TEST(SendWindow, is_the_newest_acks_even_where_that_comes_with_an_older_sequence_number) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).window(3000));
  peer.inject(data(100).seq(101).window(3000));  // out of order: SND.WL1 is ahead
  peer.expect(ack().ack(1));
  peer.send(10'000);
  for (const u32 at : {1u, 1001u, 2001u}) peer.expect(data(1000).seq(at));
  peer.inject(data(100).seq(1).ack(3001).window(0));
  peer.expect(ack().seq(3001).ack(201));
  peer.expect_nothing(150ms);  // the old 3000 bytes, counted from 3001, were never offered
}

TEST(ZeroWindow, is_probed_with_back_off_as_long_as_the_peer_answers) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(ack().window(0));
  peer.send(1000);
  Instant before = peer.now();
  Duration gap{};
  for (u32 probe = 0; probe < 20; ++probe) {
    peer.let_pass(0ms);
    while (peer.host().tcp_counters().zero_window_probes == probe && peer.now() - before < 5min)
      peer.let_pass(10ms);
    const Duration waited = peer.now() - before;
    EXPECT_GE(waited + 20ms, gap) << "RFC 9293 SHLD-30: intervals grow";
    EXPECT_LT(waited, 3min) << "probe " << probe;
    gap = std::min<Duration>(waited, 115s);
    before = peer.now();
    peer.inject(ack().window(0));
  }
  peer.expect_state(State::established);
  peer.let_pass(0ms);
  peer.inject(ack().window(65535));
  peer.let_pass(1s);
  peer.inject(ack().ack(1001));
  EXPECT_EQ(peer.connection().unacknowledged(), 0u);
}

TEST(ZeroWindow, of_a_silent_peer_ends_in_a_time_out) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(ack().window(0));
  peer.send(1000);
  peer.let_pass(2h);
  peer.expect_error(tcp::Errc::timed_out);
}

TEST(ZeroWindow, opens_again_by_an_update) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(ack().window(0));
  peer.send(1000);
  peer.expect_nothing(100ms);
  peer.inject(ack().window(4000));
  peer.expect(data(1000).seq(1));
}

TEST(ReceiveWindow, closes_when_the_application_does_not_read_and_opens_when_it_does) {
  tcp::Config config;
  config.receive_buffer_max = 8192;
  config.receive_window_initial = 8192;
  ScriptedPeer peer(config);
  peer.open_passive();
  for (u32 i = 0; i < 8; ++i) peer.inject(data(1024));
  peer.let_pass(1s);
  EXPECT_EQ(peer.last().window, 0u);
  peer.inject(data(1).seq(8193));  // a probe
  peer.let_pass(1s);
  EXPECT_EQ(peer.last().window, 0u);
  EXPECT_EQ(peer.receive(), 8192u);
  peer.let_pass(0ms);
  EXPECT_GE(peer.last().window, 4096u) << "the window update goes out when there is room again";
}

TEST(ReceiveWindow, never_moves_its_right_edge_back) {
  tcp::Config config;
  config.receive_buffer_max = 16384;
  config.receive_window_initial = 16384;
  ScriptedPeer peer(config);
  peer.open_passive();
  u32 edge = 0;
  for (u32 i = 0; i < 40; ++i) {
    peer.inject(data(700));
    peer.let_pass(50ms);
    const u32 now_edge = peer.last().acknowledgment + peer.last().window - 0xffff'fe00u;
    EXPECT_GE(to<i32>(now_edge - edge), 0) << "RFC 9293 §3.8.6.2.2";
    edge = now_edge;
    if (i % 5 == 4) peer.receive();
  }
}

TEST(UrgentData, stays_in_line) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(10).flag(wire::TcpFlags::urg));  // RFC 6093 §6
  peer.expect_received(10);
}

}  // namespace
}  // namespace handfast::test
