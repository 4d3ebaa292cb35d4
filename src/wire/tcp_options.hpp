// The option area of a TCP header, for tcp.cpp.
#pragma once

#include "wire/tcp.hpp"

namespace handfast::wire {

// RFC 7323 appendix A: what nearly every segment carries, two NOPs and the timestamps.
inline constexpr u32 aligned_timestamps_size = 12;
inline constexpr u32 aligned_timestamps = 0x0101080a;

/// Timestamps and nothing else, in their usual place.
inline bool only_timestamps(const TcpOptions& o) {
  return o.timestamps && !o.mss && !o.window_scale && !o.sack_permitted && o.sack_count == 0 &&
         !o.fast_open && !o.user_timeout && o.raw.empty() && o.style == OptionStyle::linux;
}

/// Adds what `area` holds to `options`; false where one of them runs out of it.
bool parse_options(Bytes area, TcpOptions& options);
/// How many bytes emit_options() will write: a multiple of 4, at most 40.
u32 options_size(const TcpOptions& options);
/// Writes options_size() bytes at `out`; returns their number.
u32 emit_options(const TcpOptions& options, u8* out);

}  // namespace handfast::wire
