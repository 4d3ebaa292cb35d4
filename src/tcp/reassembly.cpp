#include "tcp/reassembly.hpp"

#include <algorithm>

namespace handfast::tcp {

bool Ranges::add(u32 start, u32 end, u32 ranges_max) {
  // The first range that ends at or after `start` may touch the new one.
  auto first = std::ranges::find_if(ranges_, [&](const Range& r) { return seq_ge(r.end, start); });
  auto last = first;
  while (last != ranges_.end() && seq_le(last->start, end)) {
    start = seq_min(start, last->start);
    end = seq_max(end, last->end);
    ++last;
  }
  if (first == last) {
    if (ranges_.size() >= ranges_max) return false;
    ranges_.insert(first, Range{start, end, ++clock_});
    return true;
  }
  *first = Range{start, end, ++clock_};
  ranges_.erase(first + 1, last);
  return true;
}

bool Ranges::contains(u32 start, u32 end) const {
  return std::ranges::any_of(
      ranges_, [&](const Range& r) { return seq_le(r.start, start) && seq_le(end, r.end); });
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
  u32 below = clock_ + 1;
  while (count < out.size()) {
    const Range* newest = nullptr;
    for (const Range& r : ranges_)
      if (r.touched < below && (newest == nullptr || r.touched > newest->touched)) newest = &r;
    if (newest == nullptr) break;
    out[count++] = {newest->start, newest->end};
    below = newest->touched;
  }
  return count;
}

void Ranges::clear() {
  ranges_.clear();
  clock_ = 0;
}

std::unique_ptr<Ranges> RangePool::take() {
  if (free_.empty()) return std::make_unique<Ranges>();
  std::unique_ptr<Ranges> ranges = std::move(free_.back());
  free_.pop_back();
  return ranges;
}

void RangePool::give(std::unique_ptr<Ranges> ranges) {
  if (ranges == nullptr || free_.size() >= kept_max) return;
  ranges->clear();
  free_.push_back(std::move(ranges));
}

}  // namespace handfast::tcp
