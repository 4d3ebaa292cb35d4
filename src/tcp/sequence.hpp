// RFC 9293 §3.4: sequence numbers live on a circle of 2^32; "before" means less than half a turn.
#pragma once

#include "base/types.hpp"

namespace handfast::tcp {

constexpr bool seq_lt(u32 a, u32 b) { return to<i32>(a - b) < 0; }
constexpr bool seq_le(u32 a, u32 b) { return to<i32>(a - b) <= 0; }
constexpr bool seq_gt(u32 a, u32 b) { return to<i32>(a - b) > 0; }
constexpr bool seq_ge(u32 a, u32 b) { return to<i32>(a - b) >= 0; }
constexpr u32 seq_max(u32 a, u32 b) { return seq_gt(a, b) ? a : b; }
constexpr u32 seq_min(u32 a, u32 b) { return seq_lt(a, b) ? a : b; }

}  // namespace handfast::tcp
