// RFC 9112 §9, as the tables of state.hpp have it.
#include "http/state.hpp"

#include <span>

#include "base/assert.hpp"

namespace handfast::http {
namespace {

std::span<const Edge> edges_of(Role role) {
  return role == Role::client ? std::span<const Edge>(client_edges)
                              : std::span<const Edge>(server_edges);
}

std::optional<u32> find_edge(Role role, State from, Happening on) {
  const auto edges = edges_of(role);
  for (u32 i = 0; i < edges.size(); ++i)
    if (edges[i].from == from && edges[i].on == on) return i;
  return std::nullopt;
}

}  // namespace

bool Machine::may(Role who, Happening what) const {
  return find_edge(who, state(who), what).has_value();
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
  const std::optional<u32> row = find_edge(who, state(who), what);
  ASSERT(row);
  (who == Role::client ? client_ : server_) = edges_of(who)[*row].to;
  taken_ |= u64{1} << (*row + (who == Role::client ? 0 : client_edges.size()));
}

void Machine::meet() {
  for (u32 i = 0; i < joint_edges.size(); ++i) {
    const JointEdge& edge = joint_edges[i];
    if (edge.client && *edge.client != client_) continue;
    if (edge.server && *edge.server != server_) continue;
    if (edge.keep_alive && *edge.keep_alive != keep_alive_) continue;
    (edge.moves == Role::client ? client_ : server_) = edge.to;
    taken_ |= u64{1} << (i + client_edges.size() + server_edges.size());
  }
}

}  // namespace handfast::http
