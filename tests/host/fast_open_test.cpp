// RFC 7413: data in the SYN, as the server's side and as the client's.
#include "tcp/fast_open.hpp"

#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Event;
using tcp::State;
using Cookie = std::vector<u8>;

const Cookie wrong(8, 0x55);

struct Server : ScriptedPeer {
  explicit Server(u32 fast_open_max = 4, PeerConfig config = {}) : ScriptedPeer(config) {
    listen();
    settings.fast_open_max = fast_open_max;
    host().change(listener(), settings);
  }
  /// What a client gets that asks.
  Cookie cookie(bool experimental = false) {
    inject(syn().mss(1460).fast_open({}, experimental));
    expect(syn_ack());
    const wire::TcpOptions& options = last().options;
    EXPECT_TRUE(options.fast_open);
    EXPECT_EQ(options.fast_open_experimental, experimental);
    Cookie bytes(options.fast_open->begin(), options.fast_open->begin() + options.fast_open_size);
    inject(rst().seq(1));
    new_flow();
    return bytes;
  }
  const tcp::Counters& counters() { return host().tcp_counters(); }

  tcp::Settings settings{};
};

TEST(FastOpenServer, gives_the_same_cookie_to_the_same_client_and_one_of_eight_bytes) {
  Server peer;
  const Cookie first = peer.cookie();
  EXPECT_EQ(first.size(), 8u);
  EXPECT_EQ(peer.cookie(), first);
  EXPECT_EQ(peer.cookie(true), first);
  EXPECT_EQ(peer.counters().fast_open_cookies_asked, 3u);
}

TEST(FastOpenServer, hands_data_to_the_application_before_the_handshake_ends) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1000).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().seq(0).ack(11));
  EXPECT_FALSE(peer.last().options.fast_open);
  peer.accept();
  peer.expect_state(State::syn_received);
  peer.expect_received(10);
  EXPECT_TRUE(peer.connection().info(peer.now()).fast_open_data);
  peer.send(100);
  peer.expect(data(100).seq(1).ack(11));
  peer.inject(ack().seq(11).ack(101));
  peer.expect_state(State::established);
  peer.inject(data(20));
  peer.expect(ack().ack(31), within(300ms));
  peer.expect_received(20);
  EXPECT_EQ(peer.counters().fast_open_passive, 1u);
  EXPECT_EQ(peer.times_taken(State::syn_received, State::established), 1u);
}

TEST(FastOpenServer, begins_at_once_also_without_data) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).fast_open(cookie, true));
  peer.expect(syn_ack().ack(1));
  peer.accept();
  EXPECT_FALSE(peer.connection().info(peer.now()).fast_open_data);
  peer.send(100);
  peer.expect(data(100).seq(1).ack(1));
  peer.inject(ack().ack(1));  // of the SYN,ACK alone
  peer.expect_state(State::established);
  peer.inject(ack().ack(101));
  peer.expect_nothing(2s);
}

TEST(FastOpenServer, answers_a_wrong_cookie_by_a_right_one_and_an_ordinary_handshake) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).bytes(10).fast_open(wrong));
  peer.expect(syn_ack().ack(1).fast_open(cookie));
  EXPECT_EQ(peer.host().census().half_open, 1u);
  EXPECT_EQ(peer.counters().fast_open_passive_fails, 1u);
  peer.inject(data(10).seq(1));
  peer.expect(ack().ack(11));
  peer.accept();
  peer.expect_received(10);
}

TEST(FastOpenServer, says_nothing_of_it_where_it_is_off_or_was_not_asked) {
  Server off(0);
  off.inject(syn().mss(1460).bytes(10).fast_open(wrong));
  off.expect(syn_ack().ack(1));
  EXPECT_FALSE(off.last().options.fast_open);
  Server on;
  on.inject(syn().mss(1460).bytes(10));
  on.expect(syn_ack().ack(1));
  EXPECT_FALSE(on.last().options.fast_open);
}

TEST(FastOpenServer, takes_data_without_a_cookie_only_where_that_is_wanted) {
  Server peer;
  peer.settings.fast_open_no_cookie = true;
  peer.host().change(peer.listener(), peer.settings);
  peer.inject(syn().mss(1460).bytes(10));
  peer.expect(syn_ack().ack(11));
  peer.accept();
  peer.expect_received(10);
}

TEST(FastOpenServer, counts_unfinished_handshakes_and_goes_back_to_the_ordinary_one) {
  Server peer(1);
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().ack(11));
  peer.new_flow();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().ack(1));
  EXPECT_FALSE(peer.last().options.fast_open);
  EXPECT_EQ(peer.counters().fast_open_overflows, 1u);
  peer.host().change(peer.listener(), peer.settings);
  peer.accept();
  peer.abort();  // the first: its place is free again
  peer.new_flow();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().ack(11));
}

TEST(FastOpenServer, repeats_its_syn_ack_alone_until_it_is_answered) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().seq(0).mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().ack(11));
  peer.accept();
  peer.send(50);
  peer.expect(data(50).seq(1));
  peer.expect(syn_ack().seq(0).ack(11), about(1s));
  peer.inject(syn().seq(0).mss(1460).bytes(10).fast_open(cookie));  // nor did the client hear
  peer.expect(syn_ack().seq(0).ack(11));
  peer.inject(ack().seq(11).ack(1));
  peer.expect(data(50).seq(1), within(3s));
  peer.inject(ack().seq(11).ack(51));
  peer.expect_state(State::established);
}

TEST(FastOpenServer, gives_up_at_last) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack());
  peer.accept();
  peer.let_pass(200s);
  peer.expect_state(State::closed);
  peer.expect_error(tcp::Errc::timed_out);
}

TEST(FastOpenServer, keeps_what_was_reset_before_accept_with_its_data) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack());
  peer.inject(rst_ack().seq(11).ack(1));
  peer.accept();
  peer.expect_received(10);
  peer.expect_error(tcp::Errc::reset);
}

TEST(FastOpenServer, closes_in_every_way_before_the_handshake_has_ended) {
  Server peer;
  const Cookie cookie = peer.cookie();
  const auto open = [&] {
    peer.new_flow();
    peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
    peer.expect(syn_ack().ack(11));
  };
  open();
  peer.accept();
  peer.release();  // with data that nobody has read
  peer.expect(rst_ack().seq(1).ack(11));
  open();
  peer.accept();
  peer.receive();
  peer.close();
  peer.expect(fin().seq(1).ack(11));
  peer.inject(ack().seq(11).ack(2));
  peer.expect_state(State::fin_wait_2);
  open();
  peer.inject(fin().seq(11).ack(1));
  peer.expect(ack().ack(12));
  peer.accept();
  peer.expect_state(State::close_wait);
  open();
  peer.close_listener();
  peer.expect(rst_ack().seq(1).ack(11));
}

TEST(FastOpenServer, ends_by_an_icmp_error_about_its_syn_ack) {
  Server peer;
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1460).bytes(10).fast_open(cookie));
  peer.expect(syn_ack());
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 5000);
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 0);
  peer.accept();
  peer.expect_received(10);
  peer.expect_error(tcp::Errc::unreachable);
  peer.new_flow();
  peer.inject(syn().mss(1460));  // and so does a half-open record
  peer.expect(syn_ack());
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 5000);
  EXPECT_EQ(peer.host().census().half_open, 1u);
  peer.inject_icmp(wire::IcmpProblem::host_unreachable, 0);
  EXPECT_EQ(peer.host().census().half_open, 0u);
}

TEST(FastOpenServer, knows_cookies_of_the_key_before_and_gives_new_ones_for_them) {
  Server peer;
  const tcp::FastOpenKey old{1, 2, 3};
  const tcp::FastOpenKey fresh{4, 5, 6};
  peer.host().set_fast_open_keys(tcp::FastOpenKeys(old));
  const Cookie before = peer.cookie();
  peer.host().set_fast_open_keys(peer.listener(), tcp::FastOpenKeys(fresh, old));
  const Cookie now = peer.cookie();
  EXPECT_NE(now, before);
  peer.inject(syn().mss(1460).bytes(10).fast_open(before));
  peer.expect(syn_ack().ack(11).fast_open(now));
  peer.new_flow();
  peer.host().set_fast_open_keys(peer.listener(), tcp::FastOpenKeys(fresh));
  peer.inject(syn().mss(1460).bytes(10).fast_open(before));
  peer.expect(syn_ack().ack(1).fast_open(now));
}

TEST(FastOpenServer, works_over_ipv6_and_is_off_while_cookies_are_sent) {
  Server peer(4, {.ipv6 = true});
  const Cookie cookie = peer.cookie();
  peer.inject(syn().mss(1440).bytes(10).fast_open(cookie));
  peer.expect(syn_ack().ack(11));
  PeerConfig config;
  config.tcp.syn_cookies = tcp::SynCookieUse::always;
  Server flooded(4, config);
  flooded.inject(syn().mss(1460).bytes(10).fast_open());
  flooded.expect(syn_ack().ack(1));
  EXPECT_FALSE(flooded.last().options.fast_open);
}

struct Client : ScriptedPeer {
  Client() { settings.fast_open = true; }
  /// Learns a cookie, and that the server's MSS is `mss`.
  void learn(const Cookie& cookie, u16 mss = 1460, bool experimental = false) {
    connect_early(settings, 0);
    expect(syn().fast_open({}, experimental));
    inject(syn_ack().mss(mss).fast_open(cookie, experimental));
    expect(ack().ack(1));
    abort();
    release();
    take_headers();
    new_flow();
  }
  const tcp::Counters& counters() { return host().tcp_counters(); }
  bool data_was_acknowledged() { return connection().info(now()).fast_open_data; }

  tcp::Settings settings{};
};

const Cookie good{0xab, 0xcd, 0x12, 0x34};

TEST(FastOpenClient, asks_for_a_cookie_and_sends_its_data_after_the_handshake) {
  Client peer;
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().fast_open());
  peer.inject(syn_ack().mss(1460).fast_open(good));
  peer.expect(data(1000).seq(1).ack(1));  // which saves an ACK
  peer.new_flow();
  peer.connect_early(peer.settings, 300);
  peer.expect(syn().bytes(300).fast_open(good));
}

TEST(FastOpenClient, sends_data_with_a_cookie_that_it_knows) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000).fast_open(good));
  peer.inject(syn_ack().ack(1001).mss(1460));
  peer.expect(ack().seq(1001).ack(1));
  EXPECT_TRUE(peer.data_was_acknowledged());
  EXPECT_EQ(peer.counters().fast_open_active, 1u);
  peer.send(500);
  peer.expect(data(500).seq(1001));
  peer.inject(ack().ack(1501));
  peer.expect_nothing(5s);
}

TEST(FastOpenClient, fills_the_syn_as_far_as_the_servers_mss_and_all_options_allow) {
  Client peer;
  peer.learn(good, 940);
  peer.connect_early(peer.settings, 0);
  peer.expect(syn().fast_open(good));  // a good cookie, and nothing to say
  peer.inject(syn_ack().mss(940));
  peer.expect(ack());
  peer.new_flow();
  peer.connect_early(peer.settings, 3000);
  peer.expect(syn().bytes(900).fast_open(good));
  peer.inject(syn_ack().ack(901).mss(1460));
  peer.expect(data(1448 + 12).seq(901).no_timestamps());
  peer.expect(data(640).seq(2361));
}

TEST(FastOpenClient, sends_again_at_once_what_the_server_did_not_take) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.inject(syn_ack().ack(1).mss(1460));
  peer.expect(data(1000).seq(1).ack(1));
  EXPECT_FALSE(peer.data_was_acknowledged());
  EXPECT_EQ(peer.counters().fast_open_active_fails, 1u);
  peer.inject(ack().ack(1001));
  peer.new_flow();
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.inject(syn_ack().ack(101).mss(1460));  // a part
  peer.expect(data(900).seq(101).ack(1));
  peer.inject(ack().ack(1001));
  peer.expect_nothing(5s);
}

TEST(FastOpenClient, repeats_a_plain_syn_when_time_runs_out) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000).fast_open(good));
  peer.expect(syn().seq(0), about(1s));
  EXPECT_FALSE(peer.last().options.fast_open);
  peer.inject(syn_ack().ack(1).mss(1460));
  peer.expect(data(1000).seq(1).ack(1));
  peer.inject(ack().ack(1001));
  // Such SYNs seem not to arrive there: for a while no more of them.
  peer.new_flow();
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn());
  EXPECT_FALSE(peer.last().options.fast_open);
  peer.inject(syn_ack().mss(1460));
  peer.expect(ack());
  peer.expect(data(1000).seq(1));
  peer.abort();
  peer.take_headers();
  peer.let_pass(1h);
  peer.new_flow();
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000).fast_open(good));
}

TEST(FastOpenClient, gives_up_like_any_other) {
  Client peer;
  peer.learn(good);
  peer.settings.syn_retries_max = 1;
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.expect(syn(), about(1s));
  peer.expect_nothing(2100ms);
  peer.expect_error(tcp::Errc::timed_out);
  peer.release();
  peer.expect_nothing_left();
}

TEST(FastOpenClient, takes_data_and_fin_that_come_with_the_syn_ack) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.inject(syn_ack().ack(1001).mss(1460).bytes(200).flag(wire::TcpFlags::fin));
  peer.expect(ack().seq(1001).ack(202));
  peer.expect_state(State::close_wait);
  peer.expect_received(200);
}

TEST(FastOpenClient, resets_an_answer_that_acknowledges_too_much) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 100);
  peer.expect(syn().bytes(100));
  peer.inject(syn_ack().ack(100'101));
  peer.expect(rst().seq(100'101));
}

TEST(FastOpenClient, tries_the_experimental_option_once_where_the_other_is_not_answered) {
  Client peer;
  const auto round = [&](const Segment& first, const Segment& answer) {
    peer.connect_early(peer.settings, 0);
    peer.expect(first);
    peer.inject(answer);
    peer.expect(ack());
    peer.new_flow();
  };
  round(syn().fast_open(), syn_ack().mss(1460));
  round(syn().fast_open({}, true), syn_ack().mss(1460));
  round(syn().fast_open(), syn_ack().mss(1460).fast_open(good));
  round(syn().fast_open(good), syn_ack().mss(1460));
}

TEST(FastOpenClient, needs_no_cookie_where_that_is_wanted) {
  Client peer;
  peer.settings.fast_open_no_cookie = true;
  peer.connect_early(peer.settings, 100);
  peer.expect(syn().bytes(100));
  EXPECT_FALSE(peer.last().options.fast_open);
}

TEST(FastOpenClient, opens_with_one_that_opens_with_it) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.inject(syn().seq(0).mss(1460).bytes(500).fast_open(good));
  peer.expect(syn_ack().seq(0).ack(1));
  peer.inject(syn_ack().seq(0).ack(1001).mss(1460));
  peer.expect(ack().seq(1001).ack(1));
  peer.expect_state(State::established);
  peer.inject(data(500).seq(1));
  peer.expect_received(500);
}

TEST(FastOpenClient, sends_a_plain_syn_when_the_one_with_data_was_too_big) {
  Client peer;
  peer.learn(good);
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().bytes(1000));
  peer.inject_icmp(wire::IcmpProblem::packet_too_big, 0, 840);
  peer.expect(syn().mss(800));
  peer.inject(syn_ack().ack(1).mss(1040));
  peer.expect(data(800).seq(1));
  peer.expect(data(200).seq(801));
}

TEST(FastOpenClient, forgets_nothing_but_what_it_is_told_to) {
  Client peer;
  peer.learn(good);
  peer.host().fast_open_peers().forget_all();
  peer.connect_early(peer.settings, 1000);
  peer.expect(syn().fast_open());
}

}  // namespace
}  // namespace handfast::test
