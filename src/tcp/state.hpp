// RFC 9293 §3.3.2, figure 5: the eleven states and every arrow between them. This table is the
// diagram: `handfast diagram tcp` prints it, the engine refuses an arrow that is not in it, and
// the suite fails on an arrow that no test takes.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/types.hpp"

namespace handfast::tcp {

enum class State : u8 {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};
inline constexpr u32 state_count = 11;

constexpr std::string_view to_string(State state) {
  constexpr std::array<std::string_view, state_count> names{
      "CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1",
      "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK",     "TIME_WAIT"};
  return names[to<u8>(state)];
}

struct Edge {
  State from;
  State to;
  std::string_view label;  // event / action, as in the figure
};

inline constexpr std::array edges{
    Edge{State::closed, State::listen, "passive OPEN / create TCB"},
    Edge{State::closed, State::syn_sent, "active OPEN / create TCB, snd SYN"},
    Edge{State::listen, State::syn_received, "rcv SYN / snd SYN,ACK"},
    Edge{State::listen, State::syn_sent, "SEND / snd SYN"},
    Edge{State::listen, State::closed, "CLOSE / delete TCB"},
    Edge{State::syn_sent, State::syn_received, "rcv SYN / snd SYN,ACK"},
    Edge{State::syn_sent, State::established, "rcv SYN,ACK / snd ACK"},
    Edge{State::syn_sent, State::closed, "CLOSE, RST or time-out / delete TCB"},
    Edge{State::syn_received, State::established, "rcv ACK of SYN"},
    Edge{State::syn_received, State::fin_wait_1, "CLOSE / snd FIN"},
    Edge{State::syn_received, State::listen, "rcv RST or time-out, passive OPEN"},
    Edge{State::syn_received, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::established, State::fin_wait_1, "CLOSE / snd FIN"},
    Edge{State::established, State::close_wait, "rcv FIN / snd ACK"},
    Edge{State::established, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::fin_wait_1, State::fin_wait_2, "rcv ACK of FIN"},
    Edge{State::fin_wait_1, State::closing, "rcv FIN / snd ACK"},
    Edge{State::fin_wait_1, State::time_wait, "rcv FIN, ACK of FIN / snd ACK"},
    Edge{State::fin_wait_1, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::fin_wait_2, State::time_wait, "rcv FIN / snd ACK"},
    Edge{State::fin_wait_2, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::close_wait, State::last_ack, "CLOSE / snd FIN"},
    Edge{State::close_wait, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::closing, State::time_wait, "rcv ACK of FIN"},
    Edge{State::closing, State::closed, "ABORT, RST or time-out / delete TCB"},
    Edge{State::last_ack, State::closed, "rcv ACK of FIN, RST or time-out / delete TCB"},
    Edge{State::time_wait, State::closed, "2 MSL, RST or new SYN (RFC 6191) / delete TCB"},
};

namespace detail {

inline constexpr u8 no_edge = 0xff;
/// By `from` and `to`, since every change of state asks.
inline constexpr auto edge_table = [] {
  std::array<std::array<u8, state_count>, state_count> table;
  for (auto& row : table) row.fill(no_edge);
  for (u32 i = 0; i < edges.size(); ++i)
    table[handfast::to<u8>(edges[i].from)][handfast::to<u8>(edges[i].to)] = handfast::to<u8>(i);
  return table;
}();

}  // namespace detail

/// The arrow's place in `edges`, or none where the diagram has no such arrow.
constexpr std::optional<u32> find_edge(State from, State to) {
  const u8 edge = detail::edge_table[handfast::to<u8>(from)][handfast::to<u8>(to)];
  return edge == detail::no_edge ? std::nullopt : std::optional<u32>(edge);
}

/// SYN has been exchanged and acknowledged both ways, or is about to be (RFC 9293 §3.3.2).
constexpr bool is_synchronized(State state) { return state >= State::established; }
/// The user may still send (CLOSE has not been called).
constexpr bool may_send(State state) {
  return state == State::established || state == State::close_wait;
}
/// The peer may still send (its FIN has not come).
constexpr bool may_receive(State state) {
  return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}

}  // namespace handfast::tcp
