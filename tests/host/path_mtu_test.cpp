// RFC 4821, RFC 8899: finding what a path carries where no router says it; and clamping the MSS.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

tcp::Config config_with(tcp::MtuProbing probing) {
  tcp::Config config;
  config.mtu_probing = probing;
  config.tail_loss_probe = false;
  config.initial_window_segments = 20;
  return config;
}

TEST(BlackHole, makes_segments_smaller_after_three_time_outs) {
  ScriptedPeer peer(config_with(tcp::MtuProbing::black_hole));
  peer.open_passive(syn().mss(1460));
  peer.send(1460);
  peer.expect(data(1460));
  peer.expect(data(1460).seq(1), within(3s));
  peer.expect(data(1460).seq(1), within(5s));
  peer.expect(data(1024).seq(1), within(9s));
  peer.inject(ack().ack(1025));
  peer.expect(data(436).seq(1025));
  EXPECT_EQ(peer.host().tcp_counters().black_holes_suspected, 1u);
  EXPECT_EQ(peer.connection().info(peer.now()).path_mtu, 1064u);
}

TEST(BlackHole, is_not_suspected_of_small_segments) {
  ScriptedPeer peer(config_with(tcp::MtuProbing::black_hole));
  peer.open_passive(syn().mss(1460));
  peer.send(100);
  peer.let_pass(30s);
  EXPECT_EQ(peer.host().tcp_counters().black_holes_suspected, 0u);
}

TEST(MtuProbe, makes_segments_larger_where_it_arrives) {
  ScriptedPeer peer(config_with(tcp::MtuProbing::always));
  peer.open_passive(syn().mss(1460));
  peer.send(100);
  peer.expect(data(100));
  peer.inject(ack().ack(101));
  peer.send(8000);
  peer.expect(data(1242).seq(101));  // between 1064 and 1500 bytes of packet
  peer.expect(data(1024).seq(1343));
  peer.let_pass(1ms);
  peer.inject(ack().ack(8101));
  EXPECT_EQ(peer.connection().info(peer.now()).send_mss, 1242u);
  EXPECT_EQ(peer.host().tcp_counters().mtu_probes_lost, 0u);
}

TEST(MtuProbe, that_is_lost_costs_no_window) {
  ScriptedPeer peer(config_with(tcp::MtuProbing::always));
  peer.open_passive(syn().mss(1460).sack_permitted());
  peer.send(100);
  peer.expect(data(100));
  peer.inject(ack().ack(101));
  const u32 window = peer.connection().congestion_window();
  peer.send(8000);
  peer.let_pass(1ms);
  EXPECT_EQ(peer.host().tcp_counters().mtu_probes, 1u);
  peer.take_headers();
  peer.inject(ack().ack(101).sack(1343, 5439));
  peer.expect(data(1024).seq(101));
  EXPECT_EQ(peer.host().tcp_counters().mtu_probes_lost, 1u);
  EXPECT_GE(peer.connection().congestion_window(), window);
  EXPECT_EQ(peer.connection().info(peer.now()).send_mss, 1024u);
}

TEST(MssClamp, holds_both_ways) {
  tcp::Config config;
  config.mss_max = 1200;
  ScriptedPeer peer(config);
  peer.connect();
  peer.expect(syn().mss(1200));
  peer.inject(syn_ack().mss(1460));
  peer.expect(ack());
  peer.send(1300);
  peer.expect(data(1200));
}

}  // namespace
}  // namespace handfast::test
