// What applications of the simulator send each other: streams of which every byte can be checked.
#pragma once

#include "base/rng.hpp"
#include "base/types.hpp"

namespace handfast::sim {

inline constexpr u32 stream_buffer_size = 8192;  // bytes

/// Byte `offset` of a stream, different for each.
inline u8 stream_byte(u32 index, bool from_client, u64 offset) {
  const u64 mixed = (offset + 1) * 0x9e3779b97f4a7c15 + u64{index} * 2 + (from_client ? 1u : 0u);
  return to<u8>(mixed >> 32);
}

/// Up to `max` bytes. Short ones are as likely as long ones, over `scales` powers of two.
inline u32 draw_size(Rng& rng, u32 max, u32 scales) {
  const u32 shift = to<u32>(rng.below(scales));
  return to<u32>(rng.below((u64{max} >> shift) + 1));
}

}  // namespace handfast::sim
