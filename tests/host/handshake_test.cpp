// The handshake beyond its plain course: SYNs that come again, and what a personality makes of it.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"
#include "tcp/personality.hpp"

namespace handfast::test {
namespace {

using tcp::Personality;
using tcp::State;

TEST(HalfOpen, puts_its_next_syn_ack_off_when_it_has_answered_a_repeated_syn) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().seq(0));
  peer.expect(syn_ack());
  peer.let_pass(990ms);
  peer.inject(syn().seq(0));
  peer.expect(syn_ack());
  peer.expect_nothing(950ms);
  peer.expect(syn_ack(), about(50ms));
  peer.expect(syn_ack(), about(2s));
}

TEST(HalfOpen, counts_only_its_own_repetitions_as_retries) {
  tcp::Config config;
  config.syn_ack_retries_max = 2;
  ScriptedPeer peer(config);
  peer.listen();
  peer.inject(syn().seq(0));
  peer.expect(syn_ack());
  for (int i = 0; i < 20; ++i) {
    peer.inject(syn().seq(0));
    peer.expect(syn_ack());
  }
  peer.expect(syn_ack(), about(1s));
  peer.expect(syn_ack(), about(2s));
  peer.expect_nothing(4100ms);
  EXPECT_EQ(peer.host().census().half_open, 0u);
}

TEST(HalfOpen, asks_the_sender_of_an_old_duplicate_syn_and_believes_its_reset) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().seq(5000));  // from a connection long gone
  peer.expect(syn_ack().ack(5001));
  peer.inject(syn().seq(0));  // what the peer wants now
  peer.expect(ack().seq(1).ack(5001));
  peer.inject(rst().seq(5001));
  EXPECT_EQ(peer.host().census().half_open, 0u);
  peer.inject(syn().seq(0));
  peer.expect(syn_ack().ack(1));
  peer.inject(ack().seq(1));
  peer.accept();
  peer.expect_state(State::established);
}

TEST(Personality, decides_what_a_syn_looks_like) {
  for (const auto& [personality, scale, first] :
       {std::tuple{Personality::linux, 7, u8{4}}, std::tuple{Personality::freebsd, 6, u8{1}},
        std::tuple{Personality::rfc, 7, u8{3}}}) {
    ScriptedPeer peer(tcp::config_of(personality));
    peer.connect();
    peer.expect(syn().mss(1460).window_scale(to<u8>(scale)).sack_permitted().timestamps());
    EXPECT_EQ(peer.last_bytes()[24], first);
    peer.new_flow();
    peer.listen();
    peer.inject(syn().mss(1460).window_scale(1).sack_permitted().timestamps());
    peer.expect(syn_ack().mss(1460).window_scale(to<u8>(scale)).sack_permitted().timestamps());
    EXPECT_EQ(peer.last_bytes()[24], first);
  }
}

TEST(Personality, decides_how_long_a_syn_is_repeated) {
  for (const auto& [personality, retries] :
       {std::tuple{Personality::linux, 6}, std::tuple{Personality::freebsd, 12},
        std::tuple{Personality::rfc, 7}}) {
    ScriptedPeer peer(tcp::config_of(personality));
    peer.connect();
    peer.let_pass(3600s);
    EXPECT_EQ(peer.host().tcp_counters().segments_out, 1u + to<u32>(retries));
  }
}

}  // namespace
}  // namespace handfast::test
