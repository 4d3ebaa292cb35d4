// RFC 4987: a listener that answers by cookies, when it does, and what it says of a flood.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::State;
using tcp::SynCookieUse;
using wire::TcpFlags;

tcp::Config config_with(SynCookieUse use) {
  tcp::Config config;
  config.syn_cookies = use;
  return config;
}

/// A peer of a listener that keeps nothing of its SYN.
struct Cookies : ScriptedPeer {
  explicit Cookies(PeerConfig config = {.tcp = config_with(SynCookieUse::always)})
      : ScriptedPeer(config) {
    listen();
  }
  const tcp::Counters& counters() { return host().tcp_counters(); }
};

TEST(SynCookies, need_no_memory_until_the_answer) {
  Cookies peer;
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack().mss(1460));
  EXPECT_EQ(peer.host().census().half_open, 0u);
  peer.expect_nothing(10s);  // nothing is there that would repeat it
  peer.inject(ack());
  peer.accept();
  peer.expect_state(State::established);
  EXPECT_EQ(peer.counters().syn_cookies_sent, 1u);
  EXPECT_EQ(peer.counters().syn_cookies_valid, 1u);
  EXPECT_EQ(peer.counters().passive_opens, 1u);
  EXPECT_EQ(peer.times_taken(State::syn_received, State::established), 1u);
}

TEST(SynCookies, keep_the_options_in_the_timestamp) {
  Cookies peer;
  peer.inject(syn().mss(1000).window_scale(2).sack_permitted().timestamps());
  peer.expect(syn_ack().mss(1460).window_scale(7).sack_permitted().timestamps());
  peer.inject(ack().timestamps().window(1000));  // 4000
  peer.accept();
  peer.expect_state(State::established);
  peer.send(8000);
  u32 sent = 0;
  for (u32 i = 0; i < 9; ++i) {
    if (sent + 536 - 12 > 4000) break;
    peer.expect(data(536 - 12).seq(1 + sent).timestamps());  // 1000 is rounded down
    sent += 536 - 12;
  }
  peer.inject(data(10).seq(11).timestamps());
  peer.expect(data(536 - 12 - 12).sack(11, 21).timestamps());
}

TEST(SynCookies, offer_no_option_that_they_could_not_keep) {
  Cookies peer;
  peer.inject(syn().mss(1460).window_scale(2).sack_permitted());
  peer.expect(syn_ack().mss(1460));
  EXPECT_FALSE(peer.last().options.window_scale);
  EXPECT_FALSE(peer.last().options.sack_permitted);
  peer.inject(ack().window(1000));
  peer.accept();
  peer.send(3000);
  peer.expect(data(1000).seq(1));
  peer.expect_nothing(100ms);
}

TEST(SynCookies, are_answered_by_data_or_fin_as_well) {
  Cookies peer;
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  peer.inject(data(100));  // the ACK before it was lost
  peer.expect(ack().ack(101));
  peer.accept();
  peer.expect_received(100);
  peer.new_flow();
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  peer.inject(fin().bytes(10));
  peer.expect(ack().ack(12));
  peer.accept();
  peer.expect_state(State::close_wait);
}

TEST(SynCookies, wait_for_the_first_text_where_the_second_comes_alone) {
  Cookies peer;
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  peer.inject(data(100).seq(101));
  peer.expect_nothing(100ms);
  peer.inject(data(100).seq(1));
  peer.expect(ack().ack(101));
  peer.inject(data(100).seq(101));
  peer.accept();
  peer.expect_received(200);
}

TEST(SynCookies, work_over_ipv6) {
  Cookies peer({.tcp = config_with(SynCookieUse::always), .ipv6 = true});
  peer.inject(syn().mss(1440).timestamps());
  peer.expect(syn_ack().mss(1440).timestamps());
  peer.inject(ack().timestamps());
  peer.accept();
  peer.expect_state(State::established);
}

TEST(SynCookies, that_are_wrong_or_old_are_refused_and_counted) {
  Cookies peer;
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  peer.inject(ack().ack(2));
  peer.expect(rst().seq(2));
  peer.inject(ack().seq(5).ack(1));
  peer.expect(rst().seq(1));
  EXPECT_EQ(peer.counters().syn_cookies_invalid, 2u);
  peer.let_pass(tcp::SynCookies::lifetime);
  peer.inject(ack().ack(1));
  peer.expect(rst().seq(1));
  EXPECT_EQ(peer.counters().syn_cookies_invalid, 3u);
  EXPECT_EQ(peer.host().census().connections, 0u);
  peer.let_pass(1h);  // and when none has been sent for long, none is looked for
  peer.inject(ack().ack(1));
  peer.expect(rst().seq(1));
  EXPECT_EQ(peer.counters().syn_cookies_invalid, 3u);
}

TEST(SynCookies, are_not_sent_while_the_accept_queue_is_full) {
  Cookies peer;
  peer.close_listener();
  peer.listen(0);
  peer.inject(syn().mss(1460));
  peer.expect(syn_ack());
  peer.inject(ack());
  peer.new_flow();
  peer.inject(syn().mss(1460));
  peer.expect_nothing(1s);  // a full queue takes no SYN
  EXPECT_EQ(peer.counters().listen_overflows, 1u);
}

class Flood : public testing::Test, public trace::Sink {
 public:
  void on(Instant, const trace::Event& event) override {
    if (const auto* flood = std::get_if<trace::SynFlood>(&event)) {
      told.push_back(to_string(*flood));
      last_state = std::string(flood->state);
      last = *flood;
      ++count;
    }
  }
  /// `n` SYNs from as many ports, which nobody will ever answer.
  static void send_syns(ScriptedPeer& peer, u32 n) {
    for (u32 i = 0; i < n; ++i) {
      peer.new_flow();
      peer.inject(syn().seq(0).mss(1460));
    }
  }
  static void connect(ScriptedPeer& peer) {
    peer.new_flow();
    peer.inject(syn().seq(0).mss(1460).sack_permitted().timestamps());
    peer.expect(syn_ack());
    peer.inject(ack().seq(1).timestamps());
    peer.accept();
    peer.expect_state(State::established);
  }

  std::vector<std::string> told;
  std::string last_state;
  std::optional<trace::SynFlood> last;
  u32 count = 0;
};

TEST_F(Flood, switches_cookies_on_when_the_records_are_used_up_and_off_again_after_it) {
  ScriptedPeer peer(PeerConfig{.sink = this});
  peer.listen(100);
  send_syns(peer, 100);
  EXPECT_EQ(peer.host().census().half_open, 100u);
  EXPECT_EQ(peer.host().tcp_counters().syn_cookies_sent, 0u);
  send_syns(peer, 900);
  EXPECT_EQ(peer.host().census().half_open, 100u) << "memory stays bounded";
  EXPECT_EQ(peer.host().tcp_counters().syn_cookies_sent, 900u);
  EXPECT_EQ(peer.host().tcp_counters().syn_floods, 1u);
  for (int i = 0; i < 10; ++i) connect(peer);
  EXPECT_EQ(peer.host().tcp_counters().syn_cookies_valid, 10u);
  peer.let_pass(70s);  // the records expire
  EXPECT_EQ(peer.host().census().half_open, 0u);
  const u64 sent = peer.host().tcp_counters().syn_cookies_sent;
  connect(peer);
  EXPECT_EQ(peer.host().tcp_counters().syn_cookies_sent, sent) << "all is as before";
}

TEST_F(Flood, is_told_with_rate_sources_and_cookies) {
  ScriptedPeer peer(PeerConfig{.sink = this});
  peer.listen(100);
  send_syns(peer, 1000);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(last_state, "began");
  peer.let_pass(1010ms);
  EXPECT_EQ(last_state, "goes on");
  EXPECT_NEAR(static_cast<double>(last->syns_per_second), 1000, 100);
  EXPECT_EQ(last->sources, 1u);
  EXPECT_EQ(last->cookies_sent, 900u);
  connect(peer);
  peer.let_pass(10s);
  EXPECT_EQ(last_state, "ended");
  EXPECT_EQ(last->cookies_valid, 1u);
  EXPECT_EQ(count, 3u);
  EXPECT_NE(told[1].find("SYN flood at 192.0.2.1:80 goes on after 1.0 s:"), std::string::npos)
      << told[1];
  EXPECT_EQ(peer.host().deadline() == never, peer.host().census().half_open == 0);
}

TEST_F(Flood, is_also_told_where_cookies_are_always_sent_or_never) {
  for (const SynCookieUse use : {SynCookieUse::always, SynCookieUse::off}) {
    count = 0;
    ScriptedPeer peer(PeerConfig{.tcp = config_with(use), .sink = this});
    peer.listen(50);
    send_syns(peer, 500);
    peer.let_pass(5s);
    EXPECT_EQ(peer.host().tcp_counters().syn_floods, 1u);
    EXPECT_EQ(last_state, "ended");
    EXPECT_GT(count, 1u);
  }
}

TEST_F(Flood, is_not_seen_in_handshakes_that_are_finished) {
  ScriptedPeer peer(PeerConfig{.sink = this});
  peer.listen(20);
  for (int i = 0; i < 500; ++i) connect(peer);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(peer.host().tcp_counters().syn_cookies_sent, 0u);
}

TEST_F(Flood, of_a_listener_that_closes_leaves_nothing) {
  ScriptedPeer peer(PeerConfig{.sink = this});
  peer.listen(20);
  send_syns(peer, 200);
  peer.close_listener();
  peer.let_pass(2s);
  EXPECT_EQ(peer.host().deadline(), never);
  EXPECT_EQ(peer.host().census().half_open, 0u);
}

}  // namespace
}  // namespace handfast::test
