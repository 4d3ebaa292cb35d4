#include "trace/round_trips.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace handfast::trace {

u32 RoundTrips::sent(u32 endpoint, const wire::Flow& flow) const {
  const auto found = steps_.find({endpoint, flow});
  return found == steps_.end() ? 0 : found->second;
}

void RoundTrips::received(u32 endpoint, const wire::Flow& flow, u32 steps) {
  u32& ours = steps_[{endpoint, flow}];
  ours = std::max(ours, steps + 1);
}

void RoundTrips::begin(Kind kind, u32 endpoint, const wire::Flow& flow, std::string what,
                       Instant now) {
  if (phases_.size() == phases_max) return;
  last_[{kind, endpoint, flow}] = {phases_.size(), sent(endpoint, flow)};
  phases_.push_back({std::move(what), flow, now});
}

bool RoundTrips::end(Kind kind, u32 endpoint, const wire::Flow& flow, Instant now) {
  Phase* phase = last(kind, endpoint, flow);
  if (phase == nullptr || phase->end != never) return false;
  phase->end = now;
  phase->round_trips = (sent(endpoint, flow) - last_[{kind, endpoint, flow}].steps) / 2;
  return true;
}

Phase* RoundTrips::last(Kind kind, u32 endpoint, const wire::Flow& flow) {
  const auto found = last_.find({kind, endpoint, flow});
  return found == last_.end() ? nullptr : &phases_[found->second.phase];
}

std::string round_trips_text(u32 count) {
  return fmt::format("{} round trip{}", count, count == 1 ? "" : "s");
}

}  // namespace handfast::trace
