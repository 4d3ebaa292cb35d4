// RFC 9112 §9, as the tables of state.hpp have it.
#include "http/state.hpp"

#include <span>

#include "base/assert.hpp"

namespace handfast::http {
namespace {

constexpr u32 happening_count = 8;
constexpr u8 no_row = 0xff;

constexpr std::span<const Edge> edges_of(Role role) {
  return role == Role::client ? std::span<const Edge>(client_edges)
                              : std::span<const Edge>(server_edges);
}

/// The tables once more, by what one looks for in them: several look-ups go into each message.
using Rows = std::array<std::array<u8, happening_count>, state_count>;
constexpr Rows index_of(Role role) {
  Rows rows;
  for (auto& row : rows) row.fill(no_row);
  const auto edges = edges_of(role);
  for (std::size_t i = edges.size(); i-- > 0;)
    rows[to<u8>(edges[i].from)][to<u8>(edges[i].on)] = to<u8>(i);
  return rows;
}
constexpr std::array<Rows, 2> rows_by_role{index_of(Role::client), index_of(Role::server)};

u8 find_edge(Role role, State from, Happening on) {
  return rows_by_role[to<u8>(role)][to<u8>(from)][to<u8>(on)];
}

/// Where both machines are after all joint edges, and which those were.
struct Meeting {
  State client;
  State server;
  u64 taken = 0;
};
constexpr Meeting meet(State client, State server, bool keep_alive) {
  Meeting met{client, server};
  for (u32 i = 0; i < joint_edges.size(); ++i) {
    const JointEdge& edge = joint_edges[i];
    if (edge.client && *edge.client != met.client) continue;
    if (edge.server && *edge.server != met.server) continue;
    if (edge.keep_alive && *edge.keep_alive != keep_alive) continue;
    (edge.moves == Role::client ? met.client : met.server) = edge.to;
    met.taken |= u64{1} << (i + client_edges.size() + server_edges.size());
  }
  return met;
}
constexpr std::size_t place_of(State client, State server, bool keep_alive) {
  return (std::size_t{to<u8>(client)} * state_count + to<u8>(server)) * 2 + (keep_alive ? 1 : 0);
}
constexpr auto meetings = [] {
  std::array<Meeting, std::size_t{2} * state_count * state_count> all{};
  for (u8 client = 0; client < state_count; ++client)
    for (u8 server = 0; server < state_count; ++server)
      for (const bool keep_alive : {false, true}) {
        const Meeting met = meet(State{client}, State{server}, keep_alive);
        all[place_of(State{client}, State{server}, keep_alive)] = met;
      }
  return all;
}();

}  // namespace

bool Machine::may(Role who, Happening what) const {
  return find_edge(who, state(who), what) != no_row;
}

void Machine::take(Role who, Happening what) {
  step(who, what);
  // The request is the one thing that both machines follow.
  if (who == Role::client && what == Happening::request) step(Role::server, what);
  if (what == Happening::failure) keep_alive_ = false;
  meet();
}

void Machine::end_keep_alive() {
  keep_alive_ = false;
  meet();
}

void Machine::step(Role who, Happening what) {
  const u8 row = find_edge(who, state(who), what);
  ASSERT(row != no_row);
  (who == Role::client ? client_ : server_) = edges_of(who)[row].to;
  taken_ |= u64{1} << (row + (who == Role::client ? 0 : client_edges.size()));
}

void Machine::meet() {
  const Meeting& met = meetings[place_of(client_, server_, keep_alive_)];
  client_ = met.client;
  server_ = met.server;
  taken_ |= met.taken;
}

}  // namespace handfast::http
