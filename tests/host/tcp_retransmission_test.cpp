// RFC 6298 (the timer), RFC 5681 and RFC 6582 (fast retransmit), RFC 9293 §3.8.3 (giving up),
// §3.8.4 (keepalive).
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Errc;
using tcp::State;

/// A connection that knows its round trip of 100 ms, with `acked` bytes sent and acknowledged.
void open_with_rtt(ScriptedPeer& peer, Segment first = syn().mss(1000)) {
  peer.open_passive(first);
  for (u32 i = 0; i < 20; ++i) {
    peer.send(1);
    peer.expect(data(1));
    peer.expect_nothing(100ms);
    peer.inject(ack());
  }
  EXPECT_EQ(peer.connection().unacknowledged(), 0u);
}

TEST(RetransmissionTimer, doubles_for_every_repetition) {
  tcp::Config config;
  config.retries_max = 4;
  ScriptedPeer peer(config);
  open_with_rtt(peer);
  peer.send(100);
  peer.expect(data(100).seq(21));
  peer.let_pass(0ms);
  const Instant sent = peer.now();
  // SRTT 100 ms and RTTVAR near 0: the floor of 200 ms over SRTT. A tail loss probe (RFC 8985 §7)
  // may come first; behind it every wait is twice the one before.
  std::vector<Duration> waits;
  Instant last = sent;
  while (waits.size() < 4 && peer.now() - sent < 2min) {
    peer.let_pass(1ms);
    const u64 repeated = peer.host().tcp_counters().segments_retransmitted;
    if (repeated <= waits.size()) continue;
    waits.push_back(peer.now() - last);
    last = peer.now();
  }
  ASSERT_EQ(waits.size(), 4u);
  EXPECT_GE(waits[0], 190ms);
  EXPECT_LE(waits[0], 420ms);
  for (std::size_t i = 2; i < waits.size(); ++i) {
    EXPECT_NEAR(to<double>(waits[i].count()) / to<double>(waits[i - 1].count()), 2, 0.15) << i;
  }
}

TEST(RetransmissionTimer, repeats_the_first_unacknowledged_segment_only) {
  ScriptedPeer peer;
  open_with_rtt(peer);
  peer.send(3000);
  peer.expect(data(1000).seq(21));
  peer.expect(data(1000).seq(1021));
  peer.expect(data(1000).seq(2021));
  peer.inject(ack().ack(1021));
  peer.let_pass(5s);
  EXPECT_GE(peer.host().tcp_counters().timeouts, 1u);
  EXPECT_EQ(peer.connection().congestion_window(), 1000u) << "RFC 5681 §3.1: the loss window";
}

TEST(RetransmissionTimer, gives_up_after_the_configured_number_of_repetitions) {
  tcp::Config config;
  config.retries_max = 3;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.send(100);
  peer.expect(data(100));
  peer.let_pass(5min);
  peer.expect_state(State::closed);
  peer.expect_error(Errc::timed_out);
  peer.expect_told(tcp::Event::closed);
  const u64 repeated = peer.host().tcp_counters().segments_retransmitted;
  EXPECT_GE(repeated, 3u);
  EXPECT_LE(repeated, 4u);
  peer.release();
  peer.expect_nothing_left();
}

TEST(RetransmissionTimer, tells_once_that_the_way_is_doubted_and_goes_on) {
  tcp::Config config;
  config.retries_doubted = 3;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.send(100);
  peer.expect(data(100));
  while (peer.host().tcp_counters().timeouts < 2) peer.let_pass(100ms);
  EXPECT_FALSE(peer.was_told(tcp::Event::unanswered));
  EXPECT_EQ(peer.host().tcp_counters().paths_doubted, 0u);
  while (peer.host().tcp_counters().timeouts < 5) peer.let_pass(100ms);
  EXPECT_TRUE(peer.was_told(tcp::Event::unanswered));
  EXPECT_EQ(peer.host().tcp_counters().paths_doubted, 1u);
  peer.expect_state(State::established);
}

TEST(RetransmissionTimer, stops_when_all_is_acknowledged) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(100);
  peer.expect(data(100));
  peer.inject(ack());
  peer.expect_nothing(10min);
}

TEST(RetransmissionTimer, takes_no_sample_from_a_repeated_segment) {
  // Karn's rule, RFC 6298 §3: without timestamps nobody knows which one was acknowledged.
  ScriptedPeer peer;
  open_with_rtt(peer);
  const Duration before = peer.connection().smoothed_rtt();
  peer.send(100);
  peer.let_pass(3s);
  peer.inject(ack().ack(121));
  EXPECT_EQ(peer.connection().smoothed_rtt(), before);
}

TEST(RetransmissionTimer, measures_the_round_trip) {
  ScriptedPeer peer;
  open_with_rtt(peer);
  const Duration measured = peer.connection().smoothed_rtt();
  EXPECT_GE(measured, 60ms);
  EXPECT_LE(measured, 110ms);
}

TEST(FastRetransmit, repeats_a_segment_at_the_third_duplicate_ack) {
  tcp::Config config;
  config.sack = false;
  ScriptedPeer peer(config);
  open_with_rtt(peer);
  peer.send(6000);
  for (u32 i = 0; i < 6; ++i) peer.expect(data(1000).seq(21 + i * 1000));
  peer.inject(ack().ack(21));
  peer.inject(ack().ack(21));
  peer.expect_nothing();
  peer.inject(ack().ack(21));
  peer.expect(data(1000).seq(21));
  EXPECT_EQ(peer.host().tcp_counters().fast_retransmits, 1u);
  EXPECT_EQ(peer.host().tcp_counters().timeouts, 0u);
  peer.inject(ack().ack(6021));
  peer.expect_nothing(10s);
  EXPECT_EQ(peer.connection().unacknowledged(), 0u);
}

TEST(FastRetransmit, repeats_the_next_hole_at_a_partial_ack) {
  tcp::Config config;
  config.sack = false;
  ScriptedPeer peer(config);
  open_with_rtt(peer);
  peer.send(8000);
  for (u32 i = 0; i < 8; ++i) peer.expect(data(1000).seq(21 + i * 1000));
  for (int i = 0; i < 3; ++i) peer.inject(ack().ack(21));
  peer.expect(data(1000).seq(21));
  for (int i = 0; i < 3; ++i) peer.inject(ack().ack(21));
  peer.inject(ack().ack(3021));  // RFC 6582 §3.2, step 5: partial
  peer.expect(data(1000).seq(3021));
  peer.inject(ack().ack(8021));
  peer.expect_nothing(10s);
  EXPECT_EQ(peer.host().tcp_counters().timeouts, 0u);
  EXPECT_EQ(peer.host().tcp_counters().fast_retransmits, 1u);
}

TEST(FastRetransmit, repeats_just_the_holes_that_sack_shows) {
  ScriptedPeer peer;
  open_with_rtt(peer, syn().mss(1000).sack_permitted());
  peer.send(8000);
  for (u32 i = 0; i < 8; ++i) peer.expect(data(1000).seq(21 + i * 1000));
  peer.expect_nothing(100ms);
  peer.inject(ack().ack(21).sack(1021, 2021));
  peer.inject(ack().ack(21).sack(3021, 5021).sack(1021, 2021));
  peer.inject(ack().ack(21).sack(3021, 8021).sack(1021, 2021));
  peer.let_pass(100ms);
  peer.inject(ack().ack(8021));
  peer.let_pass(10s);
  // Holes: [21, 1021) and [2021, 3021), once each.
  EXPECT_EQ(peer.host().tcp_counters().segments_retransmitted, 2u);
  EXPECT_EQ(peer.host().tcp_counters().timeouts, 0u);
}

TEST(FastRetransmit, is_not_begun_by_window_updates_or_data) {
  tcp::Config config;
  config.sack = false;
  ScriptedPeer peer(config);
  open_with_rtt(peer);
  peer.send(4000);
  for (u32 i = 0; i < 4; ++i) peer.expect(data(1000).seq(21 + i * 1000));
  for (u16 i = 1; i <= 4; ++i) peer.inject(ack().ack(21).window(to<u16>(30000 + 1000 * i)));
  for (int i = 0; i < 4; ++i) peer.inject(data(10).ack(21).window(34000));
  peer.let_pass(10ms);
  EXPECT_EQ(peer.host().tcp_counters().fast_retransmits, 0u) << "RFC 5681 §2, duplicate ACK";
}

TEST(PathMtu, is_learned_from_icmp_and_the_segment_sent_again_smaller) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(1460);
  peer.expect(data(1460).seq(1));
  peer.inject_icmp(wire::IcmpProblem::packet_too_big, 1, 1000);
  peer.expect(data(960).seq(1));
  peer.expect(data(500).seq(961));
}

TEST(EstablishedConnection, outlives_icmp_errors) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(100);
  peer.expect(data(100));
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 1);  // RFC 9293 MUST-56
  peer.inject_icmp(wire::IcmpProblem::port_unreachable, 1);
  peer.expect_state(State::established);
}

TEST(DuplicateSack, is_not_seen_in_an_ack_that_was_overtaken) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).sack_permitted());
  peer.send(3000);
  for (const u32 at : {1u, 1001u, 2001u}) peer.expect(data(1000).seq(at));
  peer.inject(ack().ack(3001));
  peer.inject(ack().ack(1).sack(1001, 2001));  // older: then it was news
  EXPECT_EQ(peer.host().tcp_counters().duplicates_reported, 0u);
  peer.inject(ack().ack(3001).sack(1001, 2001));
  EXPECT_EQ(peer.host().tcp_counters().duplicates_reported, 1u);
}

TEST(Keepalive, ends_a_connection_whose_peer_is_gone) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](tcp::Settings& s) { s.keepalive = true; });
  peer.expect(ack().seq(0).ack(1), about(7200s));  // SEG.SEQ = SND.NXT-1
  for (int i = 1; i < 9; ++i) peer.expect(ack().seq(0), about(75s));
  peer.let_pass(76s);
  peer.expect_state(State::closed);
  peer.expect_error(Errc::timed_out);
}

TEST(Keepalive, tells_who_still_listens_after_close_that_the_peer_is_gone) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](tcp::Settings& s) { s.keepalive = true; });
  peer.close();
  peer.expect(fin().seq(1));
  peer.inject(ack().ack(2));
  peer.expect_state(State::fin_wait_2);
  peer.let_pass(7200s + 10 * 75s);
  peer.expect_state(State::closed);
  peer.expect_error(Errc::timed_out);  // and not the end of the peer's stream
}

TEST(Keepalive, lets_a_connection_live_whose_peer_answers) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](tcp::Settings& s) { s.keepalive = true; });
  for (int i = 0; i < 12; ++i) {
    peer.expect(ack().seq(0), about(7200s));
    peer.inject(ack());
  }
  peer.expect_state(State::established);
}

TEST(Keepalive, is_off_unless_asked_for) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.expect_nothing(24h);
  peer.expect_state(State::established);
}

}  // namespace
}  // namespace handfast::test
