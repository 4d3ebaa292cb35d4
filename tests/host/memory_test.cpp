// What a connection may hold, what gives way when memory is short, and what is counted.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

TEST(Window, is_what_the_application_chose) {
  tcp::Config config;
  config.receive_buffer = 8000;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1460));
  for (u32 i = 0; i < 40; ++i) {
    peer.inject(data(1000));
    peer.let_pass(1ms);
    peer.receive();
  }
  EXPECT_LE(peer.connection().info(peer.now()).receive_window, 8000u);
}

TEST(Window, grows_with_what_is_read_in_a_round_trip) {
  ScriptedPeer peer;
  peer.listen();
  peer.inject(syn().mss(1460).window_scale(7));
  peer.expect(syn_ack());
  peer.let_pass(10ms);
  peer.inject(ack());
  peer.accept();
  const u32 before = peer.connection().info(peer.now()).receive_window;
  for (u32 round = 0; round < 12; ++round) {
    for (u32 i = 0; i < 40; ++i) peer.inject(data(1460));
    peer.let_pass(10ms);
    peer.receive();
  }
  EXPECT_GT(peer.connection().info(peer.now()).receive_window, 2 * before);
  EXPECT_GE(peer.connection().info(peer.now()).receive_rtt, 9ms);
}

TEST(Memory, that_is_short_keeps_nothing_that_comes_out_of_order) {
  tcp::Config config;
  config.buffers_max = 8192;
  config.receive_window_initial = 65535;
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1460));
  peer.inject(data(1000).seq(3001));  // in the first 4096 bytes: a block of them is lent
  peer.expect(ack().ack(1));
  peer.inject(data(1000).seq(5001));
  peer.expect(ack().ack(1));
  peer.inject(data(1000).seq(9001));
  peer.expect(ack().ack(1));
  const auto drops = peer.host().counters().drops;
  EXPECT_GE(drops[to<u8>(wire::Drop::reassembly_full)], 1u) << "and the host counts it";
  peer.inject(data(1000).seq(1));
  peer.expect_received(1000);
}

TEST(Memory, that_comes_back_lets_an_idle_sender_go_on) {
  tcp::Config config;
  config.buffers_max = 2048;  // one block
  ScriptedPeer peer(config);
  peer.open_passive(syn().mss(1460));
  peer.inject(data(1000));  // and nobody reads
  EXPECT_EQ(peer.send_some(1000), 0u);
  peer.receive();
  peer.let_pass(1s);
  peer.expect_told(tcp::Event::writable);
  EXPECT_EQ(peer.send_some(1000), 1000u);
}

TEST(Counters, name_the_reason_of_each_drop_in_a_connection) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1460));
  peer.inject(data(100).seq(10'000'000));
  peer.inject(rst().seq(100));
  const auto drops = peer.host().counters().drops;
  EXPECT_EQ(drops[to<u8>(wire::Drop::outside_window)], 1u);
  EXPECT_EQ(drops[to<u8>(wire::Drop::bad_rst)], 1u);
}

}  // namespace
}  // namespace handfast::test
