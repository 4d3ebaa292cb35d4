// RFC 9293 §3.6, how connections end, and TIME-WAIT (§3.10.7.4; RFC 1337; RFC 6191).
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Errc;
using tcp::State;

TEST(Close, takes_four_segments) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.close();
  peer.expect(fin().seq(1).ack(1));
  peer.expect_state(State::fin_wait_1);
  peer.inject(ack().ack(2));
  peer.expect_state(State::fin_wait_2);
  peer.inject(fin().seq(1).ack(2));
  peer.expect(ack().seq(2).ack(2));
  peer.expect_state(State::time_wait);
}

TEST(Close, takes_three_segments_where_the_peer_joins_ack_and_fin) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.close();
  peer.expect(fin().seq(1).ack(1));
  peer.inject(fin().seq(1).ack(2));
  peer.expect(ack().seq(2).ack(2));
  peer.expect_state(State::time_wait);
  EXPECT_EQ(peer.times_taken(State::fin_wait_1, State::time_wait), 1u);
  EXPECT_EQ(peer.times_taken(State::fin_wait_2, State::time_wait), 0u);
}

TEST(Close, by_the_peer_first_goes_through_close_wait_and_last_ack) {
  ScriptedPeer peer;
  peer.open_active();
  peer.inject(fin());
  peer.expect(ack().ack(2));
  peer.expect_state(State::close_wait);
  peer.expect_told(tcp::Event::peer_closed);
  peer.close();
  peer.expect(fin().seq(1).ack(2));
  peer.expect_state(State::last_ack);
  peer.inject(ack().ack(2));
  peer.expect_state(State::closed);
  peer.expect_error(Errc::none);
  peer.release();
  peer.expect_nothing_left();
}

TEST(Close, by_both_at_once_goes_through_closing) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.close();
  peer.expect(fin().seq(1));
  peer.inject(fin().seq(1).ack(1));
  peer.expect(ack().seq(2).ack(2));
  peer.expect_state(State::closing);
  peer.inject(ack().seq(2).ack(2));
  peer.expect_state(State::time_wait);
  peer.expect_nothing(10s);
}

TEST(Close, sends_queued_data_first_and_fin_with_the_last_of_it) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460).window(1460));
  peer.inject(ack().window(1460));
  peer.send(2000);
  peer.expect(data(1460).seq(1));
  peer.close();
  peer.expect_nothing(10ms);
  peer.inject(ack().window(1460));
  peer.expect(fin().bytes(540).seq(1461));
  peer.inject(ack().ack(2002));
  peer.expect_state(State::fin_wait_2);
}

TEST(Close, repeats_a_lost_fin) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.close();
  peer.expect(fin().seq(1));
  peer.expect(fin().seq(1), within(2s));
  peer.inject(ack().ack(2));
  peer.expect_state(State::fin_wait_2);
  peer.expect_nothing(10s);
}

TEST(Close, refuses_more_to_send) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.close();
  EXPECT_EQ(peer.send_some(10), 0u);
}

TEST(HalfClose, lets_the_other_direction_live_on) {
  ScriptedPeer peer;
  peer.bring_to(State::fin_wait_2);
  for (u32 i = 0; i < 5; ++i) {
    peer.inject(data(1000));
    peer.let_pass(1s);
    peer.expect_received(1000);
  }
  peer.inject(fin());
  peer.expect(ack().seq(2).ack(5002));
  peer.expect_state(State::time_wait);
}

TEST(HalfClose, lets_close_wait_send_all_it_wants) {
  ScriptedPeer peer;
  peer.bring_to(State::close_wait);
  peer.send(1000);
  peer.expect(data(1000).seq(1).ack(2));
  peer.inject(ack().ack(1001));
  peer.close();
  peer.expect(fin().seq(1001).ack(2));
  peer.inject(ack());
  peer.expect_state(State::closed);
}

TEST(HalfClose, keeps_received_data_readable_behind_the_fin) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(fin().bytes(700));
  peer.expect(ack().ack(702));
  peer.expect_told(tcp::Event::peer_closed);
  peer.expect_received(700);
}

TEST(HalfClose, takes_fin_only_when_all_before_it_has_come) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(fin().seq(101));
  peer.let_pass(1s);
  peer.expect_state(State::established);
  peer.inject(fin().seq(1).bytes(100));
  peer.expect(ack().ack(102));
  peer.expect_state(State::close_wait);
}

TEST(Release, of_a_connection_with_unread_data_resets_it) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(10));
  peer.let_pass(1s);
  peer.release();
  peer.expect(rst_ack().seq(1));
  peer.expect_nothing_left();
}

TEST(Release, makes_data_that_still_comes_a_reset) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.release();
  peer.expect(fin().seq(1));
  peer.inject(ack().ack(2));
  peer.inject(data(10));
  peer.expect(rst().seq(2));
  peer.expect_nothing_left();
}

TEST(Release, ends_in_time_wait_and_then_in_nothing) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.release();
  peer.expect(fin().seq(1));
  peer.inject(fin().ack(2));
  peer.expect(ack().seq(2).ack(2));
  EXPECT_EQ(peer.host().census().time_wait, 1u);
  EXPECT_EQ(peer.host().census().connections, 0u);
  peer.expect_nothing(61s);
  peer.expect_nothing_left();
}

TEST(TimeWait, answers_a_repeated_fin_and_starts_again) {
  ScriptedPeer peer;
  peer.bring_to(State::time_wait);
  peer.release();
  peer.expect_nothing(50s);
  peer.inject(fin().seq(1).ack(2));
  peer.expect(ack().seq(2).ack(2));
  peer.expect_nothing(50s);
  EXPECT_EQ(peer.host().census().time_wait, 1u);
  peer.expect_nothing(11s);
  peer.expect_nothing_left();
}

TEST(TimeWait, lasts_twice_the_configured_lifetime) {
  tcp::Config config;
  config.msl = 5s;
  ScriptedPeer peer(config);
  peer.bring_to(State::time_wait);
  peer.release();
  peer.expect_nothing(9900ms);
  EXPECT_EQ(peer.host().census().time_wait, 1u);
  peer.expect_nothing(200ms);
  peer.expect_nothing_left();
}

TEST(TimeWait, is_not_assassinated_by_rst) {
  ScriptedPeer peer;
  peer.bring_to(State::time_wait);
  peer.release();
  peer.inject(rst().seq(2));  // RFC 1337, fix F1
  peer.expect_nothing(1s);
  EXPECT_EQ(peer.host().census().time_wait, 1u);
}

TEST(TimeWait, tells_an_old_duplicate_where_it_stands) {
  ScriptedPeer peer;
  peer.bring_to(State::time_wait);
  peer.release();
  peer.inject(data(10).seq(1).ack(1));
  peer.expect(ack().seq(2).ack(2));
}

TEST(TimeWait, gives_way_to_a_new_syn_with_a_higher_sequence_number) {
  ScriptedPeer peer;
  peer.bring_to(State::time_wait);
  peer.release();
  const u32 used_before = peer.last().sequence;
  peer.expect_nothing(1s);
  peer.inject(syn().seq(50'000).mss(1460));
  peer.expect(syn_ack().ack(50'001));
  // RFC 9293 §3.6.1 (MAY-2): the new ISN is "larger than the largest sequence number" used before.
  EXPECT_GT(to<i32>(peer.last().sequence - used_before), 0);
  EXPECT_EQ(peer.host().census().time_wait, 0u);
}

TEST(TimeWait, does_not_give_way_to_an_old_syn) {
  ScriptedPeer peer;
  peer.bring_to(State::time_wait);
  peer.release();
  peer.inject(syn().seq(0).mss(1460));
  peer.expect(ack().seq(2).ack(2));
  EXPECT_EQ(peer.host().census().time_wait, 1u);
}

TEST(TimeWait, records_are_capped) {
  tcp::Config config;
  config.time_wait_max = 3;
  ScriptedPeer peer(config);
  peer.listen();
  for (u32 i = 0; i < 5; ++i) {
    peer.open_passive();
    peer.release();
    peer.expect(fin().seq(1));
    peer.inject(fin());
    peer.expect(ack().seq(2).ack(2));
    peer.new_flow();
  }
  EXPECT_EQ(peer.host().census().time_wait, 3u);
}

TEST(Abort, sends_rst_and_forgets_everything) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(1000);
  peer.expect(data(1000).seq(1));
  peer.inject(data(10));
  peer.abort();
  peer.let_pass(0ms);
  EXPECT_TRUE(peer.last().has(wire::TcpFlags::rst));
  peer.expect_error(Errc::aborted);
  peer.release();
  peer.expect_nothing_left();
  peer.inject(data(10));
  peer.expect(rst());
}

}  // namespace
}  // namespace handfast::test
