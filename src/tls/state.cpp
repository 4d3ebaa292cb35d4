#include "tls/state.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace handfast::tls {

void Machine::enter(State to) {
  if (to != State::failed) {
    const auto edges = edges_of(role_, version_);
    const auto edge = std::ranges::find_if(
        edges, [&](const Edge& it) { return it.from == state_ && it.to == to; });
    ASSERT(edge != edges.end());
    taken_ |= u32{1} << (edge - edges.begin());
  }
  state_ = to;
}

}  // namespace handfast::tls
