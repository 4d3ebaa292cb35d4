// Which bytes beyond RCV.NXT have come (RFC 9293 §3.10.7.4, seventh). The bytes lie in the receive
// ring at their place; this is the map of them, and the source of our SACK blocks (RFC 2018 §4).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/object_pool.hpp"
#include "base/types.hpp"
#include "tcp/sequence.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

/// Ranges in rising order that neither touch nor overlap. What is done for a segment costs the
/// logarithm of their number.
class Ranges {
 public:
  struct Range {
    u32 start = 0;
    u32 end = 0;
  };

  bool empty() const { return ranges_.empty(); }
  u32 size() const { return to<u32>(ranges_.size()); }
  /// Adds [start, end), joining what it touches. False where that would be one range more than
  /// `ranges_max`.
  bool add(u32 start, u32 end, u32 ranges_max);
  bool contains(u32 start, u32 end) const;
  /// The end of the range that starts at or before `next` and reaches past it, which is dropped;
  /// `next` itself where there is none.
  u32 advance(u32 next);
  /// The end of the last range; 0 ranges: `otherwise`.
  u32 end_or(u32 otherwise) const { return empty() ? otherwise : ranges_.back().end; }
  /// Up to `room` blocks, the most recently touched first.
  u8 sack_blocks(std::span<wire::SackBlock> out) const;
  /// Empties it.
  bool reset();

 private:
  /// The first range that ends at or after `sequence`.
  u32 find(u32 sequence) const;

  static constexpr u32 recent_max = 8;  // twice the blocks of a segment: some have been joined

  std::vector<Range> ranges_;
  std::array<u32, recent_max> recent_{};  // where something came last, the newest first
  u8 recent_count_ = 0;
};

using RangePool = ObjectPool<Ranges>;

}  // namespace handfast::tcp
