// For the two ICMP targets: when two messages say the same.
#pragma once

#include <algorithm>
#include <variant>

#include "wire/icmp.hpp"

namespace handfast::wire {

inline bool same(const IcmpEcho& a, const IcmpEcho& b) {
  return a.reply == b.reply && a.identifier == b.identifier && a.sequence == b.sequence &&
         std::ranges::equal(a.data, b.data);
}
inline bool same(const IcmpError& a, const IcmpError& b) {
  return a.problem == b.problem && a.type == b.type && a.code == b.code && a.mtu == b.mtu &&
         std::ranges::equal(a.original, b.original);
}
inline bool same(const NeighbourMessage& a, const NeighbourMessage& b) { return a == b; }
inline bool same(const RouterMessage& a, const RouterMessage& b) { return a == b; }

inline bool same(const IcmpMessage& a, const IcmpMessage& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&b](const auto& message) {
        return same(message, *std::get_if<std::decay_t<decltype(message)>>(&b));
      },
      a);
}

}  // namespace handfast::wire
