#include "tls/state.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace handfast::tls {

void Machine::enter(State to) {
  const auto edges = edges_of(role_, version_);
  const auto edge =
      std::ranges::find_if(edges, [&](const Edge& it) { return it.from == state_ && it.to == to; });
  ASSERT(edge != edges.end());
  taken_ |= u32{1} << (edge - edges.begin());
  go(to, edge->label);
}

void Machine::fail(std::string_view why) { go(State::failed, why); }

void Machine::go(State to, std::string_view why) {
  const State from = state_;
  state_ = to;
  if (sink_ != nullptr)
    sink_->on(trace::TlsState{to_string(role_), to_string(from), to_string(to), why});
}

}  // namespace handfast::tls
