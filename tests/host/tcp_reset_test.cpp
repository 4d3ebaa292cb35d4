// RFC 5961: segments that only a blind attacker or a ghost would send, in every synchronized
// state; RFC 9293 §3.10.7.4, first, second, fourth and fifth check.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Errc;
using tcp::State;

class EveryState : public testing::TestWithParam<State> {
 protected:
  /// A connection in the state of this case, with no timer that would disturb a short script.
  void begin() { peer_.bring_to(GetParam()); }
  u32 sent() const {
    switch (GetParam()) {
      case State::fin_wait_1:
      case State::fin_wait_2:
      case State::closing:
      case State::last_ack: return 2;
      default: return 1;
    }
  }
  u32 received() const {
    switch (GetParam()) {
      case State::close_wait:
      case State::closing:
      case State::last_ack: return 2;
      default: return 1;
    }
  }
  ScriptedPeer peer_;
};

TEST_P(EveryState, is_ended_by_rst_at_the_next_sequence_number) {
  begin();
  peer_.inject(rst().seq(received()));
  peer_.expect_nothing();
  peer_.expect_state(State::closed);
  peer_.expect_told(tcp::Event::closed);
  // §3.10.7.4, second: what began with an active open "was refused".
  const bool opening = GetParam() == State::syn_received;
  peer_.expect_error(opening ? Errc::refused : Errc::reset);
  peer_.release();
  peer_.expect_nothing_left();
}

TEST_P(EveryState, challenges_rst_elsewhere_in_the_window) {
  begin();
  peer_.inject(rst().seq(received() + 1));
  peer_.expect(ack().seq(sent()).ack(received()));
  peer_.inject(rst().seq(received() + 1000));
  peer_.expect(ack().seq(sent()).ack(received()));
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, drops_rst_outside_the_window) {
  begin();
  peer_.inject(rst().seq(received() - 1));
  peer_.inject(rst().seq(received() + 0x4000'0000));
  peer_.expect_nothing();
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, challenges_syn_wherever_it_is) {
  begin();
  for (const u32 at : {received(), received() + 100, received() + 0x4000'0000}) {
    peer_.inject(syn().seq(at));
    peer_.expect(ack().seq(sent()).ack(received()));
  }
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, challenges_an_ack_of_what_was_not_sent) {
  begin();
  peer_.inject(ack().seq(received()).ack(sent() + 1));
  if (GetParam() == State::syn_received) {
    peer_.expect(rst().seq(sent() + 1));  // RFC 9293 §3.10.7.4, fifth
  } else {
    peer_.expect(ack().seq(sent()).ack(received()));
  }
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, drops_a_segment_without_ack) {
  begin();
  peer_.inject(data(10).seq(received()).without(wire::TcpFlags::ack));
  peer_.expect_nothing();
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, answers_a_segment_outside_the_window_with_an_ack) {
  begin();
  peer_.inject(data(10).seq(received() + 0x4000'0000));
  peer_.expect(ack().seq(sent()).ack(received()));
  peer_.expect_state(GetParam());
}

TEST_P(EveryState, is_not_disturbed_by_icmp_errors) {
  begin();
  for (u32 sequence = 0; sequence < 3; ++sequence)
    peer_.inject_icmp(wire::IcmpProblem::host_unreachable, sequence);
  peer_.expect_state(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Synchronized, EveryState,
                         testing::Values(State::syn_received, State::established, State::fin_wait_1,
                                         State::fin_wait_2, State::close_wait, State::closing,
                                         State::last_ack),
                         [](const auto& state) {
                           return std::string(tcp::to_string(state.param));
                         });

TEST(ChallengeAck, is_limited_a_second) {
  tcp::Config config;
  config.challenge_acks_per_second_max = 3;
  ScriptedPeer peer(config);
  peer.open_passive();
  for (int i = 0; i < 10; ++i) peer.inject(rst().seq(50));
  EXPECT_EQ(peer.take_headers().size(), 3u);
  EXPECT_EQ(peer.host().tcp_counters().challenge_acks, 3u);
  EXPECT_EQ(peer.host().tcp_counters().challenge_acks_suppressed, 7u);
  peer.expect_nothing(1s);
  peer.inject(rst().seq(50));
  peer.expect(ack().ack(1));
}

TEST(ChallengeAck, is_limited_for_each_connection_too) {
  tcp::Config config;
  config.challenge_acks_per_connection_second_max = 2;
  ScriptedPeer peer(config);
  peer.open_passive();
  for (int i = 0; i < 10; ++i) peer.inject(rst().seq(50));
  EXPECT_EQ(peer.take_headers().size(), 2u);
  EXPECT_EQ(peer.host().tcp_counters().challenge_acks, 2u);
  EXPECT_EQ(peer.host().tcp_counters().challenge_acks_suppressed, 8u);
  peer.expect_nothing(1s);
  peer.inject(rst().seq(50));
  peer.expect(ack().ack(1));
}

TEST(Ack, that_is_older_than_the_largest_window_is_challenged) {
  // RFC 5961 §5.2: "SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT".
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(10).ack(1 - 0x1000'0000u));
  peer.expect(ack().ack(1));
  peer.expect_received(0);
}

TEST(Reset, of_a_peer_with_data_in_flight_loses_that_data) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(5000);
  peer.let_pass(0ms);
  peer.inject(rst());
  peer.expect_state(State::closed);
  peer.expect_error(Errc::reset);
  EXPECT_EQ(peer.send_some(10), 0u);
  peer.expect_nothing(10min);
}

}  // namespace
}  // namespace handfast::test
