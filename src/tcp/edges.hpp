// The only way from one state to another: the arrow must be in the table of state.hpp; it is
// counted for the host and told to the trace.
#pragma once

#include "base/time.hpp"
#include "tcp/context.hpp"
#include "tcp/state.hpp"
#include "trace/event.hpp"
#include "wire/address.hpp"

namespace handfast::tcp {

/// Takes the arrow `from` -> `to` for `flow`. ASSERTs that figure 5 has it.
void take_edge(Context& context, State from, State to, const wire::Flow& flow, Instant now,
               trace::Why why);

}  // namespace handfast::tcp
