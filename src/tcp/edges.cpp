#include "tcp/edges.hpp"

#include "base/assert.hpp"

namespace handfast::tcp {

void take_edge(Context& context, State from, State to, const wire::Flow& flow, Instant now,
               trace::Why why) {
  const std::optional<u32> edge = find_edge(from, to);
  ASSERT(edge.has_value());
  ++context.counters.edges_taken[*edge];
  if (context.sink != nullptr)
    context.sink->on(now, trace::StateChanged{flow, to_string(from), to_string(to), why});
}

}  // namespace handfast::tcp
