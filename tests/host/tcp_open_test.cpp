// RFC 9293 §3.5, how connections begin, and §3.10.7.1 to 3, segments for CLOSED, LISTEN, SYN-SENT.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Errc;
using tcp::State;

TEST(PassiveOpen, takes_three_segments) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().seq(0).mss(1460));
  peer.expect(syn_ack().seq(0).ack(1).mss(1460));
  peer.expect_state(State::syn_received);
  peer.inject(ack().seq(1).ack(1));
  peer.accept();
  peer.expect_state(State::established);
  peer.expect_nothing(10s);
}

TEST(PassiveOpen, works_over_ipv6_with_its_own_mss) {
  ScriptedPeer peer(PeerConfig{.ipv6 = true});
  peer.listen();
  peer.inject(syn().mss(1440));
  peer.expect(syn_ack().ack(1).mss(1440));
  peer.inject(ack());
  peer.accept();
  peer.send(10);
  peer.expect(data(10).seq(1));
}

TEST(PassiveOpen, repeats_syn_ack_with_back_off_and_then_gives_up) {
  tcp::Config config;
  config.syn_ack_retries_max = 3;
  ScriptedPeer peer(config);
  peer.listen();
  peer.inject(syn());
  peer.expect(syn_ack());
  peer.expect(syn_ack().seq(0).ack(1), about(1s));
  peer.expect(syn_ack().seq(0).ack(1), about(2s));
  peer.expect(syn_ack().seq(0).ack(1), about(4s));
  peer.expect_nothing(5min);
  peer.expect_state(State::listen);
  peer.expect_nothing_left();
}

TEST(PassiveOpen, answers_a_repeated_syn_at_once) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().seq(0).mss(1460));
  peer.expect(syn_ack().seq(0).ack(1));
  peer.inject(syn().seq(0).mss(1460));
  peer.expect(syn_ack().seq(0).ack(1));
  peer.inject(ack());
  peer.accept();
}

TEST(PassiveOpen, takes_data_that_comes_with_the_last_ack) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn());
  peer.expect(syn_ack());
  peer.inject(data(100));
  peer.accept();
  peer.expect_received(100);
}

TEST(PassiveOpen, takes_fin_that_comes_with_the_last_ack) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn());
  peer.expect(syn_ack());
  peer.inject(fin().bytes(5));
  peer.expect(ack().ack(7));
  peer.accept();
  peer.expect_state(State::close_wait);
  peer.expect_received(5);
}

TEST(PassiveOpen, takes_data_where_the_last_ack_was_lost) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn());
  peer.expect(syn_ack());
  peer.inject(data(10).seq(11));  // bytes 1 to 10 are missing
  peer.inject(data(10).seq(1));
  peer.accept();
  peer.expect_received(20);
}

TEST(PassiveOpen, refuses_an_ack_of_what_was_not_sent) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn());
  peer.expect(syn_ack());
  peer.inject(ack().ack(77));
  peer.expect(rst().seq(77));
  peer.inject(ack().ack(1));  // the half-open entry has lived on
  peer.accept();
}

TEST(PassiveOpen, serves_many_peers_of_one_listener) {
  ScriptedPeer peer;
  for (int i = 0; i < 10; ++i) {
    peer.open_passive();
    peer.new_flow();
  }
  EXPECT_EQ(peer.host().census().connections, 10u);
}

TEST(Listen, drops_rst_and_resets_ack) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(rst().seq(5));
  peer.expect_nothing(1s);
  peer.inject(ack().seq(5).ack(9));
  peer.expect(rst().seq(9));
  peer.inject(syn_ack().seq(5).ack(7));
  peer.expect(rst().seq(7));
  peer.expect_nothing(1s);
  peer.expect_state(State::listen);
}

TEST(Listen, does_not_answer_a_segment_without_syn_and_ack) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(data(10).without(wire::TcpFlags::ack));
  peer.expect_nothing(10s);
}

TEST(ActiveOpen, takes_three_segments) {
  ScriptedPeer peer;
  peer.connect();
  peer.expect(syn().seq(0).mss(1460).sack_permitted().timestamps());
  peer.expect_state(State::syn_sent);
  peer.inject(syn_ack().seq(0).ack(1).mss(1460));
  peer.expect(ack().seq(1).ack(1));
  peer.expect_state(State::established);
  peer.expect_told(tcp::Event::connected);
}

TEST(ActiveOpen, repeats_syn_with_back_off_and_then_times_out) {
  tcp::Config config;
  config.syn_retries_max = 3;
  ScriptedPeer peer(config);
  peer.connect();
  peer.expect(syn().seq(0));
  peer.expect(syn().seq(0), about(1s));
  peer.expect(syn().seq(0), about(2s));
  peer.expect(syn().seq(0), about(4s));
  peer.expect_nothing(7500ms);
  peer.expect_state(State::syn_sent);
  peer.expect_nothing(1s);
  peer.expect_error(Errc::timed_out);
  peer.expect_told(tcp::Event::closed);
  EXPECT_FALSE(peer.was_told(tcp::Event::connected));
}

TEST(ActiveOpen, is_refused_by_rst_that_acknowledges_the_syn) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject(rst_ack().seq(0).ack(1));
  peer.expect_nothing(10s);
  peer.expect_state(State::closed);
  peer.expect_error(Errc::refused);
  peer.release();
  peer.expect_nothing_left();
}

TEST(ActiveOpen, outlives_rst_that_acknowledges_nothing_of_ours) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject(rst().seq(0));
  peer.inject(rst_ack().seq(0).ack(0));
  peer.inject(rst_ack().seq(0).ack(2));
  peer.expect_nothing();
  peer.expect_state(State::syn_sent);
}

TEST(ActiveOpen, resets_an_ack_of_what_was_not_sent) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject(syn_ack().seq(0).ack(500));
  peer.expect(rst().seq(500));
  peer.expect_state(State::syn_sent);
  peer.inject(syn_ack().seq(0).ack(1));
  peer.expect(ack().ack(1));
}

TEST(ActiveOpen, drops_ack_without_syn) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject(ack().seq(0).ack(1));
  peer.expect_nothing();
  peer.expect_state(State::syn_sent);
}

TEST(ActiveOpen, takes_data_that_comes_with_syn_ack) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject(syn_ack().seq(0).bytes(40));
  peer.expect(ack().seq(1).ack(41));
  peer.expect_received(40);
}

TEST(ActiveOpen, is_told_by_icmp_that_nobody_listens) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject_icmp(wire::IcmpProblem::port_unreachable, 0);
  peer.expect_error(Errc::refused);
}

TEST(ActiveOpen, is_told_by_icmp_that_there_is_no_way) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 0);
  peer.expect_error(Errc::unreachable);
}

TEST(ActiveOpen, ignores_icmp_about_a_segment_that_was_never_sent) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_sent);
  peer.inject_icmp(wire::IcmpProblem::port_unreachable, 12345);
  peer.expect_state(State::syn_sent);
}

TEST(ActiveOpen, sends_queued_data_once_it_is_open) {
  ScriptedPeer peer;
  peer.connect();
  peer.expect(syn());
  peer.send(100);
  peer.expect_nothing(500ms);
  peer.inject(syn_ack().seq(0).mss(1460));
  peer.expect(ack().seq(1).ack(1));  // on its own, as from Linux: data may get lost
  peer.expect(data(100).seq(1).ack(1));
}

TEST(SimultaneousOpen, reaches_established_by_syn_ack_of_both) {
  ScriptedPeer peer;
  peer.connect();
  peer.expect(syn().seq(0));
  peer.inject(syn().seq(0).mss(1460));
  peer.expect(syn_ack().seq(0).ack(1).mss(1460));
  peer.expect_state(State::syn_received);
  peer.inject(syn_ack().seq(0).ack(1).mss(1460));
  peer.expect_state(State::established);
  peer.let_pass(1s);
  peer.send(10);
  peer.expect(data(10).seq(1).ack(1));
}

TEST(SimultaneousOpen, repeats_syn_ack_where_the_peer_is_silent) {
  ScriptedPeer peer;
  peer.bring_to(State::syn_received);
  peer.expect(syn_ack().seq(0).ack(1), within(2s));
  peer.expect(syn_ack().seq(0).ack(1), about(2s));
  peer.inject(ack());
  peer.expect_state(State::established);
}

TEST(Nobody, is_reset_with_the_sequence_number_that_the_segment_acknowledged) {
  ScriptedPeer peer;
  peer.inject(ack().seq(100).ack(4711));
  peer.expect(rst().seq(4711));
}

TEST(Nobody, is_reset_by_ack_where_the_segment_had_none) {
  ScriptedPeer peer;
  peer.inject(syn().seq(100).bytes(7));
  peer.expect(rst_ack().seq(0).ack(108));
  peer.inject(fin().seq(100).bytes(7).without(wire::TcpFlags::ack));
  peer.expect(rst_ack().seq(0).ack(108));
}

TEST(Nobody, does_not_answer_rst) {
  ScriptedPeer peer;
  peer.inject(rst().seq(100));
  peer.inject(rst_ack().seq(100).ack(1));
  peer.expect_nothing(10s);
}

TEST(Reincarnation, of_a_half_dead_peer_is_found_by_challenge_and_reset) {
  // RFC 9293 §3.5.1, figure 9, as RFC 5961 has it: the peer crashed and opens again.
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(syn().seq(400));
  peer.expect(ack().seq(1).ack(1));  // the challenge
  peer.inject(rst().seq(1));
  peer.expect_state(State::closed);
  peer.expect_error(Errc::reset);
}

}  // namespace
}  // namespace handfast::test
