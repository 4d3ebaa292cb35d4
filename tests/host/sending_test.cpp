// How a connection sends and acknowledges, after RFC 9293 §3.7.4 and §3.8.6, RFC 7661, and the
// conventions of Linux.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Settings;

TEST(Cork, holds_a_part_segment_until_it_is_taken_off) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.change([](Settings& s) { s.cork = true; });
  peer.send(40);
  peer.send(40);
  peer.expect_nothing(50ms);
  peer.change([](Settings& s) { s.cork = false; });
  peer.expect(data(80).pushed(true));
}

TEST(Cork, lets_full_segments_go) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.change([](Settings& s) { s.cork = true; });
  peer.send(2500);
  peer.expect(data(1000));
  peer.expect(data(1000));
  peer.inject(ack().ack(2001));
  peer.expect_nothing(100ms);
}

TEST(Cork, gives_way_after_the_time_out) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().mss(1000));
  peer.expect(syn_ack());
  peer.let_pass(10ms);
  peer.inject(ack());
  peer.accept();
  peer.change([](Settings& s) { s.cork = true; });
  peer.send(40);
  peer.expect(data(40).pushed(true), about(210ms));
  EXPECT_EQ(peer.connection().info(peer.now()).probes, 0u);
}

TEST(Cork, is_overridden_once_by_no_delay) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.change([](Settings& s) { s.cork = true; });
  peer.send(40);
  peer.change([](Settings& s) { s.no_delay = true; });
  peer.expect(data(40));
  peer.inject(ack().ack(41));
  peer.send(40);
  peer.expect_nothing(100ms);
}

TEST(More, holds_the_part_segment_without_a_push) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.change([](Settings& s) { s.no_delay = true; });
  peer.send_more(100);
  peer.expect_nothing(5ms);
  peer.send(60);
  peer.expect(data(160).pushed(true));
}

TEST(More, is_forgotten_with_the_next_segment_that_comes) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.change([](Settings& s) { s.no_delay = true; });
  peer.send(2000);
  peer.expect(data(1000));
  peer.expect(data(1000));
  peer.send_more(50);
  peer.expect_nothing();
  peer.inject(ack().ack(1001));
  peer.expect(data(50).pushed(false));
}

TEST(Push, comes_at_the_end_of_what_was_written) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.send(2500);
  peer.expect(data(1000).pushed(false));
  peer.expect(data(1000).pushed(false));
  peer.expect(data(500).pushed(true));
}

TEST(AckPolicy, lets_acks_ride_on_answers_once_the_application_answers) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100));
  peer.expect(ack().ack(101));  // quick in the beginning
  peer.send(50);
  peer.expect(data(50));
  peer.inject(data(100).ack(51));
  peer.expect(ack().ack(201), about(40ms));
  peer.expect_nothing(10ms);
}

TEST(AckPolicy, is_set_back_by_quick_ack) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(100));
  peer.expect(ack().ack(101));
  peer.receive();
  peer.send(50);
  peer.expect(data(50));
  peer.inject(ack().ack(51));
  EXPECT_FALSE(peer.connection().info(peer.now()).quick_ack);
  peer.change([](Settings& s) { s.acknowledge = tcp::Acknowledge::at_once; });
  EXPECT_TRUE(peer.connection().info(peer.now()).quick_ack);
  peer.inject(data(100));
  peer.expect(ack().ack(201));
}

TEST(AckPolicy, delays_from_the_beginning_where_that_is_chosen) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](Settings& s) { s.acknowledge = tcp::Acknowledge::delayed; });
  peer.inject(data(100));
  peer.expect(ack().ack(101), about(40ms));
}

TEST(AckPolicy, acknowledges_a_part_segment_when_it_was_read) {
  tcp::Config config;
  config.quick_acks = 0;
  ScriptedPeer peer(config);
  peer.open_passive();
  peer.inject(data(100));
  peer.expect_nothing(10ms);
  peer.expect_received(100);
  peer.expect(ack().ack(101));
}

TEST(UserTimeout, counts_from_the_first_transmission_and_not_from_the_last_word) {
  tcp::Config config;
  config.user_timeout = 3s;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.let_pass(1h);
  peer.send(100);
  peer.expect(data(100));
  peer.let_pass(2900ms);
  peer.expect_state(tcp::State::established);
  peer.let_pass(200ms);
  peer.expect_error(tcp::Errc::timed_out);
}

TEST(UserTimeout, holds_for_a_window_that_stays_closed_and_silent) {
  tcp::Config config;
  config.user_timeout = 3s;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.inject(ack().window(0));
  peer.send(100);
  peer.let_pass(5s);
  peer.expect_error(tcp::Errc::timed_out);
}

// RFC 5482 §3.2.
TEST(UserTimeout, is_told_on_the_syn_and_again_on_the_segment_after_it) {
  tcp::Config config;
  config.user_timeout = 200s;
  config.user_timeout_option = true;
  ScriptedPeer peer(config);
  peer.connect();
  peer.expect(syn().user_timeout(200));
  peer.inject(syn_ack().mss(1000));
  peer.expect(ack().user_timeout(200));
  peer.send(100);
  peer.expect(data(100));
  EXPECT_FALSE(peer.last().options.user_timeout);
}

TEST(UserTimeout, is_as_long_as_the_peer_asks_for_within_limits) {
  for (const u16 asked : {u16{300}, to<u16>(0x8000 | 5)}) {  // seconds, minutes
    tcp::Config config;
    config.user_timeout = 5s;
    config.user_timeout_option = true;
    ScriptedPeer peer(config);
    peer.listen();
    peer.inject(syn().mss(1000).user_timeout(asked));
    peer.expect(syn_ack());
    peer.inject(ack().user_timeout(asked));
    peer.accept();
    peer.send(100);
    peer.let_pass(295s);
    peer.expect_state(tcp::State::established);
    peer.let_pass(10s);
    peer.expect_error(tcp::Errc::timed_out);
  }
}

TEST(UserTimeout, of_the_peer_does_not_count_where_nobody_asked_for_it) {
  tcp::Config config;
  config.user_timeout = 5s;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.inject(ack().user_timeout(300));
  peer.send(100);
  peer.let_pass(6s);
  peer.expect_error(tcp::Errc::timed_out);
}

// RFC 9293 MUST-47, MUST-56.
TEST(SoftError, is_told_and_explains_the_time_out_that_follows) {
  tcp::Config config;
  config.user_timeout = 5s;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.send(100);
  peer.expect(data(100));
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 1);
  EXPECT_TRUE(peer.was_told(tcp::Event::soft_error));
  EXPECT_EQ(peer.connection().info(peer.now()).soft_error, wire::IcmpProblem::host_unreachable);
  peer.expect_state(tcp::State::established);
  peer.let_pass(6s);
  peer.expect_error(tcp::Errc::unreachable);
}

TEST(SoftError, is_forgotten_with_the_next_progress) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.send(100);
  peer.expect(data(100));
  peer.inject_icmp(wire::IcmpProblem::net_unreachable, 1);
  peer.inject(ack().ack(101));
  EXPECT_FALSE(peer.connection().info(peer.now()).soft_error);
}

TEST(ZeroWindow, keeps_a_connection_whose_peer_answers_the_probes) {
  tcp::Config config;
  config.retries_max = 3;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.inject(ack().window(0));
  peer.send(100);
  for (u32 i = 0; i < 8; ++i) {
    peer.expect(ack().seq(0), within(130s));
    peer.inject(ack().window(0));
  }
  peer.inject(ack().window(1000));
  peer.expect(data(100));
}

TEST(Heartbeat, is_told_of_each_time_that_nothing_came_for_so_long) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.change([](Settings& s) { s.heartbeat = 10s; });
  peer.let_pass(9s);
  EXPECT_FALSE(peer.was_told(tcp::Event::heartbeat));
  peer.inject(ack());
  peer.let_pass(9s);
  EXPECT_FALSE(peer.was_told(tcp::Event::heartbeat));
  peer.let_pass(2s);
  EXPECT_TRUE(peer.was_told(tcp::Event::heartbeat));
}

TEST(Keepalive, does_not_probe_while_data_asks_for_an_answer_itself) {
  tcp::Config config;
  config.keepalive = true;
  config.keepalive_idle = 300ms;
  config.tail_loss_probe = false;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.send(100);
  peer.expect(data(100));
  peer.expect(data(100).seq(1), within(2s));
  EXPECT_EQ(peer.host().tcp_counters().keepalive_probes, 0u);
}

TEST(Flushed, is_told_when_all_and_the_fin_are_acknowledged) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.send(100);
  peer.close();
  peer.expect(data(100));
  peer.expect(fin());
  EXPECT_FALSE(peer.was_told(tcp::Event::flushed));
  peer.inject(ack().ack(102));
  EXPECT_TRUE(peer.was_told(tcp::Event::flushed));
}

TEST(Pacing, spreads_what_the_window_allows) {
  tcp::Config config;
  config.pacing_rate_max = 100'000;  // 1000 bytes in 10 ms
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.send(14'000);
  for (u32 i = 0; i < 10; ++i) peer.expect(data(1000));  // the initial window is a burst
  peer.inject(ack().ack(10'001));
  peer.expect(data(1000), about(10ms));
  peer.expect(data(1000), about(10ms));
  peer.expect(data(1000), about(10ms));
}

TEST(WindowValidation, does_not_let_a_window_grow_that_is_not_used) {
  tcp::Config config;
  config.congestion = tcp::Algorithm::reno;
  config.restart_after_idle = false;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  for (u32 i = 0; i < 30; ++i) {
    peer.send(2000);
    peer.let_pass(10ms);
    peer.inject(ack().ack(1 + (i + 1) * 2000));
  }
  EXPECT_EQ(peer.connection().congestion_window(), 10'000u);
}

TEST(WindowValidation, lets_slow_start_go_on_while_more_than_half_is_used) {
  tcp::Config config;
  config.congestion = tcp::Algorithm::reno;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.send(6000);
  peer.let_pass(10ms);
  peer.inject(ack().ack(6001));
  EXPECT_EQ(peer.connection().congestion_window(), 16'000u);
}

TEST(WindowValidation, gives_back_half_of_what_was_long_not_used) {
  tcp::Config config;
  config.congestion = tcp::Algorithm::reno;
  config.initial_window_segments = 40;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1000));
  peer.send(40'000);
  peer.let_pass(10ms);
  peer.inject(ack().ack(40'001));
  EXPECT_EQ(peer.connection().congestion_window(), 80'000u);
  for (u32 i = 0; i < 40; ++i) {
    peer.send(1000);
    peer.let_pass(20ms);
    peer.inject(ack().ack(40'001 + (i + 1) * 1000));
  }
  EXPECT_LT(peer.connection().congestion_window(), 70'000u);
}

}  // namespace
}  // namespace handfast::test
