#include "tcp/reassembly.hpp"

#include <algorithm>

namespace handfast::tcp {

u32 Ranges::find(u32 sequence) const {
  const auto at = std::ranges::partition_point(
      ranges_, [&](const Range& range) { return seq_lt(range.end, sequence); });
  return to<u32>(at - ranges_.begin());
}

bool Ranges::add(u32 start, u32 end, u32 ranges_max) {
  const auto first = ranges_.begin() + find(start);
  auto last = first;
  Range joined{start, end};
  while (last != ranges_.end() && seq_le(last->start, end)) {
    joined.start = seq_min(joined.start, last->start);
    joined.end = seq_max(joined.end, last->end);
    ++last;
  }
  if (first == last) {
    if (ranges_.size() >= ranges_max) return false;
    ranges_.insert(first, joined);
  } else {
    *first = joined;
    ranges_.erase(first + 1, last);
  }
  std::ranges::copy_backward(recent_.begin(), recent_.end() - 1, recent_.end());
  recent_[0] = start;
  recent_count_ = to<u8>(std::min<u32>(recent_count_ + 1u, recent_max));
  return true;
}

bool Ranges::contains(u32 start, u32 end) const {
  const u32 i = find(end);
  return i < size() && seq_le(ranges_[i].start, start);
}

u32 Ranges::advance(u32 next) {
  auto it = ranges_.begin();
  while (it != ranges_.end() && seq_le(it->start, next)) {
    next = seq_max(next, it->end);
    ++it;
  }
  ranges_.erase(ranges_.begin(), it);
  return next;
}

u8 Ranges::sack_blocks(std::span<wire::SackBlock> out) const {
  // RFC 2018 §4: "The first SACK block … MUST specify the contiguous block of data containing the
  // segment which triggered this ACK"; after it the most recently reported ones.
  u8 count = 0;
  for (u32 r = 0; r < recent_count_ && count < out.size(); ++r) {
    const u32 i = find(recent_[r] + 1);
    if (i == size() || seq_gt(ranges_[i].start, recent_[r])) continue;  // delivered since
    const wire::SackBlock block{ranges_[i].start, ranges_[i].end};
    const auto said = out.first(count);
    if (std::ranges::any_of(said, [&](const auto& b) { return b.left == block.left; })) continue;
    out[count++] = block;
  }
  return count;
}

bool Ranges::reset() {
  ranges_.clear();
  recent_count_ = 0;
  return true;
}

}  // namespace handfast::tcp
