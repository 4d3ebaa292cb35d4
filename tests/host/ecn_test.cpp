// RFC 3168: explicit congestion notification.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using wire::TcpFlags;

constexpr u8 ect_0 = 2;
constexpr u8 ce = 3;
constexpr u16 ecn_setup = TcpFlags::ece | TcpFlags::cwr;

tcp::Config with(tcp::Ecn ecn) {
  tcp::Config config;
  config.ecn = ecn;
  return config;
}

/// At ESTABLISHED, with a peer that asked for ECN.
void open(ScriptedPeer& peer) {
  peer.listen();
  peer.inject(syn().mss(1000).flag(ecn_setup));
  peer.expect(syn_ack().flag(TcpFlags::ece).ecn(0));
  peer.inject(ack());
  peer.accept();
}

TEST(Ecn, is_granted_to_a_peer_that_asks) {
  ScriptedPeer peer;
  open(peer);
  EXPECT_TRUE(peer.connection().info(peer.now()).ecn);
  EXPECT_EQ(peer.host().tcp_counters().ecn_connections, 1u);
}

TEST(Ecn, is_not_asked_for_by_default) {
  ScriptedPeer peer;
  peer.connect();
  peer.expect(syn());
}

TEST(Ecn, is_refused_where_it_is_off) {
  ScriptedPeer peer(with(tcp::Ecn::off));
  peer.listen();
  peer.inject(syn().mss(1000).flag(ecn_setup));
  peer.expect(syn_ack());
}

TEST(Ecn, is_asked_for_where_it_is_active_and_marks_what_is_sent) {
  ScriptedPeer peer(with(tcp::Ecn::active));
  peer.connect();
  peer.expect(syn().flag(ecn_setup).ecn(0));
  peer.inject(syn_ack().flag(TcpFlags::ece).mss(1000));
  peer.expect(ack().ecn(0));
  peer.send(1000);
  peer.expect(data(1000).ecn(ect_0));
}

TEST(Ecn, is_given_up_with_the_second_syn) {
  ScriptedPeer peer(with(tcp::Ecn::active));
  peer.connect();
  peer.expect(syn().flag(ecn_setup));
  peer.expect(syn(), about(1s));
}

TEST(Ecn, is_not_believed_of_a_peer_that_reflects_both_flags) {
  ScriptedPeer peer(with(tcp::Ecn::active));
  peer.connect();
  peer.expect(syn().flag(ecn_setup));
  peer.inject(syn_ack().flag(ecn_setup).mss(1000));
  peer.expect(ack());
  peer.send(1000);
  peer.expect(data(1000).ecn(0));
}

TEST(Ecn, echoes_a_mark_until_the_peer_has_slowed_down) {
  ScriptedPeer peer;
  open(peer);
  peer.inject(data(1000).ecn(ect_0));
  peer.expect(ack());
  peer.inject(data(1000).ecn(ce));
  peer.expect(ack().flag(TcpFlags::ece));
  peer.inject(data(1000).ecn(ect_0));
  peer.expect(ack().flag(TcpFlags::ece));
  peer.inject(data(1000).flag(TcpFlags::cwr).ecn(ect_0));
  peer.expect(ack());
  EXPECT_EQ(peer.host().tcp_counters().ecn_marks_in, 1u);
}

TEST(Ecn, halves_the_window_once_for_a_window_of_data_and_says_so) {
  tcp::Config config;
  config.congestion = tcp::Algorithm::reno;
  ScriptedPeer peer(config);
  open(peer);
  peer.send(20'000);
  for (u32 i = 0; i < 10; ++i) peer.expect(data(1000).seq(1 + i * 1000).ecn(ect_0));
  peer.inject(ack().ack(1001).flag(TcpFlags::ece));
  EXPECT_EQ(peer.connection().info(peer.now()).phase, tcp::Info::Phase::reduced);
  EXPECT_EQ(peer.connection().info(peer.now()).slow_start_threshold, 5000u);
  peer.inject(ack().ack(2001).flag(TcpFlags::ece));
  EXPECT_EQ(peer.connection().info(peer.now()).slow_start_threshold, 5000u);
  peer.expect(data(1000).seq(10'001).flag(TcpFlags::cwr).ecn(ect_0));
  for (u32 at = 3001; at <= 10'001; at += 1000) peer.inject(ack().ack(at));
  peer.let_pass(1ms);
  peer.inject(ack().ack(peer.last().sequence - peer.last().sequence + 11'001));
  EXPECT_EQ(peer.connection().info(peer.now()).phase, tcp::Info::Phase::open);
  EXPECT_EQ(peer.connection().congestion_window() / 1000, 5u);
}

constexpr u16 ace = TcpFlags::ae | TcpFlags::cwr | TcpFlags::ece;
/// The count that a new connection begins with, and those behind it.
constexpr u16 ace_5 = TcpFlags::ae | TcpFlags::ece;
constexpr u16 ace_6 = TcpFlags::ae | TcpFlags::cwr;
constexpr u16 ace_7 = ace;

tcp::Config accurate() {
  tcp::Config config = with(tcp::Ecn::active);
  config.accurate_ecn = true;
  config.congestion = tcp::Algorithm::reno;
  return config;
}

/// At ESTABLISHED by RFC 9768, with a peer that asked for it; nothing was marked.
void open_accurate(ScriptedPeer& peer) {
  peer.listen();
  peer.inject(syn().mss(1000).flag(ace));
  peer.expect(syn_ack().flag(TcpFlags::cwr).ecn(0));
  peer.inject(ack().flag(TcpFlags::cwr));
  peer.accept();
  EXPECT_TRUE(peer.connection().info(peer.now()).accurate_ecn);
}

// RFC 9768 table 2, and table 3 for the third segment.
TEST(AccurateEcn, tells_each_end_how_its_opening_segment_arrived) {
  constexpr std::array<u16, 4> said{TcpFlags::cwr, TcpFlags::cwr | TcpFlags::ece, TcpFlags::ae,
                                    ace_6};
  for (u8 ecn = 0; ecn < 4; ++ecn) {
    ScriptedPeer server(accurate());
    server.listen();
    server.inject(syn().mss(1000).flag(ace).ecn(ecn));
    server.expect(syn_ack().flag(said[ecn]));
    ScriptedPeer client(accurate());
    client.connect();
    client.expect(syn().flag(ace).ecn(0));
    client.inject(syn_ack().flag(TcpFlags::cwr).mss(1000).ecn(ecn));
    client.expect(ack().flag(said[ecn]));
    client.send(1000);
    client.expect(data(1000).flag(ecn == ce ? ace_6 : ace_5).ecn(ect_0));
  }
}

TEST(AccurateEcn, falls_back_to_what_the_peer_understands) {
  ScriptedPeer classic(accurate());
  classic.connect();
  classic.expect(syn().flag(ace));
  classic.inject(syn_ack().flag(TcpFlags::ece).mss(1000));
  classic.expect(ack());
  EXPECT_TRUE(classic.connection().info(classic.now()).ecn);
  EXPECT_FALSE(classic.connection().info(classic.now()).accurate_ecn);
  for (const u16 flags : {u16{0}, ace}) {  // none, and a reflection
    ScriptedPeer none(accurate());
    none.connect();
    none.expect(syn().flag(ace));
    none.inject(syn_ack().flag(flags).mss(1000));
    none.expect(ack());
    EXPECT_FALSE(none.connection().info(none.now()).ecn);
  }
  ScriptedPeer asked(accurate());
  asked.listen();
  asked.inject(syn().mss(1000).flag(ecn_setup));
  asked.expect(syn_ack().flag(TcpFlags::ece));
}

TEST(AccurateEcn, is_given_up_with_the_third_syn) {
  ScriptedPeer peer(accurate());
  peer.connect();
  peer.expect(syn().flag(ace));
  peer.expect(syn().flag(ace), about(1s));
  peer.expect(syn(), about(2s));
}

TEST(AccurateEcn, counts_the_marks_that_come) {
  ScriptedPeer peer(accurate());
  open_accurate(peer);
  peer.inject(data(1000).flag(ace_5).ecn(ect_0));
  peer.expect(ack().ack(1001).flag(ace_5));
  peer.inject(data(1000).seq(1001).flag(ace_5).ecn(ce));
  peer.expect(ack().ack(2001).flag(ace_6));
  peer.inject(data(1000).seq(2001).flag(ace_5).ecn(ce));
  peer.expect(ack().ack(3001).flag(ace_7));
  peer.inject(data(1000).seq(3001).flag(ace_5).ecn(ce));
  peer.expect(ack().ack(4001));  // 8 is 0
  EXPECT_EQ(peer.host().tcp_counters().ecn_marks_in, 3u);
}

TEST(AccurateEcn, counts_a_segment_once_before_anything_is_known_of_the_peers_mss) {
  ScriptedPeer peer(accurate());
  open_accurate(peer);
  peer.inject(data(1000).flag(ace_5).ecn(ce));
  peer.expect(ack().ack(1001).flag(ace_6));
  EXPECT_EQ(peer.host().tcp_counters().ecn_marks_in, 1u);
}

TEST(AccurateEcn, slows_down_once_for_a_window_in_which_packets_were_marked) {
  ScriptedPeer peer(accurate());
  open_accurate(peer);
  peer.send(20'000);
  for (u32 i = 0; i < 10; ++i) peer.expect(data(1000).seq(1 + i * 1000).flag(ace_5).ecn(ect_0));
  peer.inject(ack().ack(1001).flag(ace_6));
  EXPECT_EQ(peer.connection().info(peer.now()).phase, tcp::Info::Phase::reduced);
  EXPECT_EQ(peer.connection().info(peer.now()).slow_start_threshold, 5000u);
  EXPECT_EQ(peer.connection().info(peer.now()).delivered_ce, 1u);
  peer.inject(ack().ack(2001));  // two more: 7 and 8
  EXPECT_EQ(peer.connection().info(peer.now()).slow_start_threshold, 5000u);
  EXPECT_EQ(peer.connection().info(peer.now()).delivered_ce, 3u);
}

TEST(AccurateEcn, sends_nothing_ecn_capable_where_the_flags_of_the_handshake_were_wiped) {
  ScriptedPeer peer(accurate());
  peer.listen();
  peer.inject(syn().mss(1000).flag(ace));
  peer.expect(syn_ack().flag(TcpFlags::cwr));
  peer.inject(ack());
  peer.accept();
  peer.send(1000);
  peer.expect(data(1000).flag(ace_5).ecn(0));
}

TEST(Ecn, marks_no_retransmission) {
  ScriptedPeer peer;
  open(peer);
  peer.send(1000);
  peer.expect(data(1000).ecn(ect_0));
  peer.expect(data(1000).seq(1).ecn(0), within(2s));
}

}  // namespace
}  // namespace handfast::test
