// What an application chooses for one connection (tcp::Settings) and what it may know (tcp::Info).
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Info;
using tcp::Settings;

TEST(Settings, of_the_config_hold_until_others_are_chosen) {
  tcp::Config config;
  config.keepalive_idle = 10s;
  ScriptedPeer peer(config);
  peer.open_passive();
  EXPECT_EQ(peer.connection().settings().keepalive_idle, 10s);
  peer.change([](Settings& s) { s.keepalive_idle = 20s; });
  EXPECT_EQ(peer.connection().settings().keepalive_idle, 20s);
  peer.new_flow();
  peer.open_passive();
  EXPECT_EQ(peer.connection().settings().keepalive_idle, 10s) << "a change is one connection's";
}

TEST(Settings, of_a_listener_are_those_of_what_it_accepts) {
  ScriptedPeer peer;
  peer.listen();
  Settings settings;
  settings.no_delay = true;
  peer.host().change(peer.listener(), settings);
  EXPECT_TRUE(peer.host().settings(peer.listener()).no_delay);
  peer.open_passive();
  EXPECT_TRUE(peer.connection().settings().no_delay);
  peer.send(10);
  peer.expect(data(10));
  peer.send(10);
  peer.expect(data(10));
}

TEST(Settings, bound_the_segment_size_both_ways) {
  tcp::Config config;
  config.mss_max = 600;
  ScriptedPeer peer(config);
  peer.listen();
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack().mss(600));
  peer.inject(ack());
  peer.accept();
  peer.send(700);
  peer.expect(data(600));
}

TEST(Settings, change_the_congestion_control_and_keep_the_window) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  const u32 before = peer.connection().congestion_window();
  peer.change([](Settings& s) { s.congestion = tcp::Algorithm::reno; });
  EXPECT_EQ(peer.connection().congestion_window(), before);
}

TEST(Info, tells_of_a_fresh_connection) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).sack_permitted().window_scale(7).timestamps());
  const Info info = peer.connection().info(peer.now());
  EXPECT_EQ(info.state, tcp::State::established);
  EXPECT_EQ(info.phase, Info::Phase::open);
  EXPECT_TRUE(info.sack && info.timestamps && info.scaling);
  EXPECT_EQ(info.send_scale, 7);
  EXPECT_EQ(info.send_mss, 988u) << "less the timestamps, RFC 6691";
  EXPECT_EQ(info.advertised_mss, 1448u);
  EXPECT_EQ(info.path_mtu, 1500u);
  EXPECT_EQ(info.congestion_window_segments, 10u);
  EXPECT_EQ(info.slow_start_threshold, Info::slow_start_unlimited);
  EXPECT_EQ(info.bytes_sent, 0u);
}

TEST(Info, counts_what_is_sent_received_and_repeated) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.send(2500);
  peer.expect(data(1000));
  peer.expect(data(1000));
  peer.expect(data(500));
  Info info = peer.connection().info(peer.now());
  EXPECT_EQ(info.unacknowledged_segments, 3u);
  EXPECT_EQ(info.bytes_sent, 2500u);
  EXPECT_EQ(info.data_segments_out, 3u);
  EXPECT_EQ(info.not_sent, 0u);
  peer.expect(data(1000).seq(1), within(2s));  // nobody answers
  peer.let_pass(10ms);
  peer.inject(ack().ack(2501));
  info = peer.connection().info(peer.now());
  EXPECT_EQ(info.bytes_acked, 2500u);
  EXPECT_EQ(info.bytes_sent, 3500u);
  EXPECT_EQ(info.bytes_retransmitted, 1000u);
  EXPECT_EQ(info.retransmissions, 1u);
  EXPECT_EQ(info.timeouts, 1u);
  EXPECT_EQ(info.unacknowledged_segments, 0u);
  EXPECT_EQ(info.timeout_time, 10ms);
  peer.inject(data(300));
  info = peer.connection().info(peer.now());
  EXPECT_EQ(info.bytes_received, 300u);
  EXPECT_EQ(info.data_segments_in, 1u);
  EXPECT_EQ(peer.connection().received_size(), 300u);
}

TEST(Info, tells_what_the_sender_waits_for) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.inject(ack().window(1000));
  peer.send(3000);
  peer.expect(data(1000));
  EXPECT_EQ(peer.connection().not_sent(), 2000u);
  peer.let_pass(100ms);
  peer.inject(ack().ack(1001).window(8000));
  peer.expect(data(1000));
  peer.expect(data(1000));
  peer.let_pass(50ms);
  peer.inject(ack().ack(3001));
  peer.let_pass(1s);
  const Info info = peer.connection().info(peer.now());
  EXPECT_EQ(info.window_limited, 100ms);
  EXPECT_EQ(info.busy, 150ms);
}

}  // namespace
}  // namespace handfast::test
