// Connections that finish without their application: how many, and for how long.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::State;

tcp::Config config_with(u32 orphans_max) {
  tcp::Config config;
  config.orphans_max = orphans_max;
  return config;
}

TEST(Orphans, beyond_the_limit_are_reset) {
  ScriptedPeer peer(config_with(2));
  for (int i = 0; i < 2; ++i) {
    peer.open_passive();
    peer.release();
    peer.expect(fin());
    peer.new_flow();
  }
  peer.open_passive();
  peer.release();
  peer.expect(rst_ack().seq(1));
  EXPECT_EQ(peer.host().tcp_counters().orphans_aborted, 1u);
}

TEST(Orphans, that_are_over_make_room) {
  ScriptedPeer peer(config_with(1));
  for (int i = 0; i < 5; ++i) {
    peer.open_passive();
    peer.release();
    peer.expect(fin().seq(1));
    if (i % 2 == 0) {
      peer.inject(rst().seq(1));
    } else {
      peer.inject(fin().ack(2));
      peer.expect(ack().ack(2));
    }
    peer.new_flow();
  }
  EXPECT_EQ(peer.host().tcp_counters().orphans_aborted, 0u);
}

TEST(Orphans, that_closed_before_are_none) {
  ScriptedPeer peer(config_with(0));
  peer.open_passive();
  peer.inject(rst().seq(1));
  peer.release();
  EXPECT_EQ(peer.host().tcp_counters().orphans_aborted, 0u);
  peer.expect_nothing_left();
}

TEST(Orphans, are_given_up_earlier_than_what_an_application_waits_for) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.send(100);
  peer.expect(data(100));
  peer.release();
  peer.let_pass(130s);
  EXPECT_EQ(peer.host().census().connections, 0u);
  EXPECT_EQ(peer.host().tcp_counters().timeouts, 8u);
  ScriptedPeer held;
  held.open_passive();
  held.send(100);
  held.let_pass(130s);
  held.expect_state(State::established);
}

TEST(Orphans, leave_a_closed_window_in_the_end) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(ack().window(0));
  peer.send(100);
  peer.release();
  peer.let_pass(1h);
  EXPECT_EQ(peer.host().census().connections, 0u);
}

}  // namespace
}  // namespace handfast::test
