// Every arrow of RFC 9293 figure 5, as the table of tcp/state.hpp has it, is taken by a host that
// talks to a scripted peer. An arrow without a scenario fails by its name.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

using tcp::Errc;
using tcp::State;

struct Scenario {
  State from;
  State to;
  std::string_view how;
  void (*run)(ScriptedPeer& peer);
};

/// The peer resets a connection in `from`, by the one sequence number that RFC 5961 allows.
template <State from>
void reset_by_peer(ScriptedPeer& peer) {
  peer.bring_to(from);
  peer.inject(rst_ack());
  peer.expect_state(State::closed);
  peer.expect_nothing();
  peer.expect_told(tcp::Event::closed);
}

/// The application aborts; a peer that may still be there hears of it (RFC 9293 §3.10.5).
template <State from>
void aborted(ScriptedPeer& peer) {
  peer.bring_to(from);
  peer.abort();
  const bool silent = from == State::syn_sent || from == State::closing || from == State::last_ack;
  const bool fin_sent = from == State::fin_wait_1 || from == State::fin_wait_2;
  if (!silent) peer.expect(rst_ack().seq(fin_sent ? 2 : 1));
  peer.expect_nothing();
  peer.expect_state(State::closed);
  peer.expect_error(Errc::aborted);
}

/// The peer is gone, and what this end sends last is repeated in vain.
template <State from>
void timed_out(ScriptedPeer& peer) {
  peer.bring_to(from);
  if (from == State::established || from == State::close_wait) peer.send(10);
  peer.let_pass(2h);
  peer.expect_state(State::closed);
  peer.expect_error(Errc::timed_out);
}

void reach(ScriptedPeer& peer, State state) { peer.bring_to(state); }

void expect_forgotten_after_2_msl(ScriptedPeer& peer) {
  peer.bring_to(State::time_wait);
  peer.release();
  peer.expect_nothing(59s);
  peer.expect_state(State::time_wait);
  peer.expect_nothing(2s);
  peer.expect_nothing_left();
}

constexpr Scenario scenarios[] = {
    {State::closed, State::listen, "passive open", [](ScriptedPeer& p) { p.listen(); }},
    {State::closed, State::syn_sent, "active open",
     [](ScriptedPeer& p) { reach(p, State::syn_sent); }},
    {State::listen, State::syn_received, "a SYN comes",
     [](ScriptedPeer& p) {
       p.listen();
       p.inject(syn().mss(1460));
       p.expect(syn_ack().seq(0).ack(1));
       p.expect_state(State::syn_received);
     }},
    {State::listen, State::syn_sent, "SEND on a listener",
     [](ScriptedPeer& p) {
       p.listen();
       p.connect_listener();
       p.expect(syn().seq(0));
       p.inject(syn_ack().mss(1460));
       p.expect(ack().seq(1).ack(1));
       p.expect_state(State::established);
     }},
    {State::listen, State::closed, "the listener is closed",
     [](ScriptedPeer& p) {
       p.listen();
       p.close_listener();
       p.inject(syn());
       p.expect(rst_ack().ack(1));
     }},
    {State::syn_sent, State::syn_received, "simultaneous open",
     [](ScriptedPeer& p) { reach(p, State::syn_received); }},
    {State::syn_sent, State::established, "SYN,ACK comes",
     [](ScriptedPeer& p) { p.open_active(); }},
    {State::syn_sent, State::closed, "closed",
     [](ScriptedPeer& p) {
       p.bring_to(State::syn_sent);
       p.close();
       p.expect_nothing(10s);
       p.expect_state(State::closed);
     }},
    {State::syn_sent, State::closed, "reset",
     [](ScriptedPeer& p) {
       p.bring_to(State::syn_sent);
       p.inject(rst_ack().seq(0).ack(1));
       p.expect_error(Errc::refused);
     }},
    {State::syn_sent, State::closed, "timed out", timed_out<State::syn_sent>},
    {State::syn_sent, State::closed, "aborted", aborted<State::syn_sent>},
    {State::syn_received, State::established, "our SYN is acknowledged, passive open",
     [](ScriptedPeer& p) { p.open_passive(); }},
    {State::syn_received, State::established, "our SYN is acknowledged, simultaneous open",
     [](ScriptedPeer& p) {
       p.bring_to(State::syn_received);
       p.inject(ack());
       p.expect_state(State::established);
     }},
    {State::syn_received, State::fin_wait_1, "closed",
     [](ScriptedPeer& p) {
       p.bring_to(State::syn_received);
       p.close();
       p.expect_state(State::fin_wait_1);
     }},
    {State::syn_received, State::listen, "reset",
     [](ScriptedPeer& p) {
       p.listen();
       p.inject(syn());
       p.expect(syn_ack());
       p.inject(rst());
       p.expect_state(State::listen);
     }},
    {State::syn_received, State::listen, "timed out",
     [](ScriptedPeer& p) {
       p.listen();
       p.inject(syn());
       p.expect(syn_ack());
       p.let_pass(10min);
       p.expect_state(State::listen);
     }},
    {State::syn_received, State::closed, "reset", reset_by_peer<State::syn_received>},
    {State::syn_received, State::closed, "aborted", aborted<State::syn_received>},
    {State::syn_received, State::closed, "timed out", timed_out<State::syn_received>},
    {State::established, State::fin_wait_1, "closed",
     [](ScriptedPeer& p) { reach(p, State::fin_wait_1); }},
    {State::established, State::close_wait, "FIN comes",
     [](ScriptedPeer& p) { reach(p, State::close_wait); }},
    {State::established, State::closed, "reset", reset_by_peer<State::established>},
    {State::established, State::closed, "aborted", aborted<State::established>},
    {State::established, State::closed, "timed out", timed_out<State::established>},
    {State::fin_wait_1, State::fin_wait_2, "our FIN is acknowledged",
     [](ScriptedPeer& p) { reach(p, State::fin_wait_2); }},
    {State::fin_wait_1, State::closing, "FIN comes, ours is not acknowledged",
     [](ScriptedPeer& p) { reach(p, State::closing); }},
    {State::fin_wait_1, State::time_wait, "FIN comes with the ACK of ours: three segments to close",
     [](ScriptedPeer& p) {
       p.bring_to(State::fin_wait_1);
       p.inject(fin());
       p.expect(ack().seq(2).ack(2));
       p.expect_state(State::time_wait);
     }},
    {State::fin_wait_1, State::closed, "reset", reset_by_peer<State::fin_wait_1>},
    {State::fin_wait_1, State::closed, "aborted", aborted<State::fin_wait_1>},
    {State::fin_wait_1, State::closed, "timed out", timed_out<State::fin_wait_1>},
    {State::fin_wait_2, State::time_wait, "FIN comes",
     [](ScriptedPeer& p) { reach(p, State::time_wait); }},
    {State::fin_wait_2, State::closed, "reset", reset_by_peer<State::fin_wait_2>},
    {State::fin_wait_2, State::closed, "aborted", aborted<State::fin_wait_2>},
    {State::fin_wait_2, State::closed, "the application let go and no FIN comes",
     [](ScriptedPeer& p) {
       p.bring_to(State::fin_wait_2);
       p.release();
       p.expect_nothing(59s);
       p.expect_nothing(2s);
       p.expect_nothing_left();
     }},
    {State::close_wait, State::last_ack, "closed",
     [](ScriptedPeer& p) { reach(p, State::last_ack); }},
    {State::close_wait, State::closed, "reset", reset_by_peer<State::close_wait>},
    {State::close_wait, State::closed, "aborted", aborted<State::close_wait>},
    {State::close_wait, State::closed, "timed out", timed_out<State::close_wait>},
    {State::closing, State::time_wait, "our FIN is acknowledged",
     [](ScriptedPeer& p) {
       p.bring_to(State::closing);
       p.inject(ack().ack(2));
       p.expect_nothing();
       p.expect_state(State::time_wait);
     }},
    {State::closing, State::closed, "reset", reset_by_peer<State::closing>},
    {State::closing, State::closed, "aborted", aborted<State::closing>},
    {State::closing, State::closed, "timed out", timed_out<State::closing>},
    {State::last_ack, State::closed, "our FIN is acknowledged",
     [](ScriptedPeer& p) {
       p.bring_to(State::last_ack);
       p.inject(ack().ack(2));
       p.expect_error(Errc::none);
     }},
    {State::last_ack, State::closed, "reset", reset_by_peer<State::last_ack>},
    {State::last_ack, State::closed, "aborted", aborted<State::last_ack>},
    {State::last_ack, State::closed, "timed out", timed_out<State::last_ack>},
    {State::time_wait, State::closed, "2 MSL", expect_forgotten_after_2_msl},
    {State::time_wait, State::closed, "a newer SYN (RFC 6191)",
     [](ScriptedPeer& p) {
       p.bring_to(State::time_wait);
       p.inject(syn().seq(100'000).mss(1460).without(wire::TcpFlags::ack));
       p.expect(syn_ack().ack(100'001));
     }},
};

class EveryArrow : public testing::TestWithParam<tcp::Edge> {};

TEST_P(EveryArrow, is_taken_in_every_way_that_its_label_names) {
  const tcp::Edge& edge = GetParam();
  u32 ways = 0;
  for (const Scenario& scenario : scenarios) {
    if (scenario.from != edge.from || scenario.to != edge.to) continue;
    SCOPED_TRACE(scenario.how);
    ++ways;
    ScriptedPeer peer;
    scenario.run(peer);
    EXPECT_GE(peer.times_taken(edge.from, edge.to), 1u);
  }
  EXPECT_NE(ways, 0u) << "no scenario takes " << tcp::to_string(edge.from) << " -> "
                      << tcp::to_string(edge.to);
}

INSTANTIATE_TEST_SUITE_P(Figure5, EveryArrow, testing::ValuesIn(tcp::edges), [](const auto& arrow) {
  return std::string(tcp::to_string(arrow.param.from)) + "_to_" +
         std::string(tcp::to_string(arrow.param.to));
});

}  // namespace
}  // namespace handfast::test
