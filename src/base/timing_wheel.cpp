#include "base/timing_wheel.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace handfast {
inline namespace base {

// A node lies on the lowest level whose whole turn still contains both it and tick_. So everything
// on a level is later than everything on the levels below, and within a level later slots are
// later. Only the top level goes round: it has no level above, and what lies further ahead than
// one turn waits in its farthest slot and is sorted again when that comes up.

TimingWheel::TimingWheel(Instant now) : tick_(now.time_since_epoch().count() >> tick_shift) {
  heads_.fill(nil);
}

void TimingWheel::set(u32 id, Instant deadline) {
  if (deadline == never) return cancel(id);
  if (id >= nodes_.size()) nodes_.resize(std::size_t{id} + 1);
  Node& node = nodes_[id];
  if (node.slot != unarmed) {
    if (node.deadline == deadline) return;
    unlink(id);
  } else {
    ++armed_;
  }
  node.deadline = deadline;
  link(id);
  if (next_known_) next_ = std::min(next_, deadline);
}

void TimingWheel::cancel(u32 id) {
  if (id >= nodes_.size() || nodes_[id].slot == unarmed) return;
  unlink(id);
  nodes_[id].deadline = never;
  --armed_;
}

Instant TimingWheel::next() const {
  if (armed_ == 0) return never;
  if (next_known_) return next_;
  const Place place = first_occupied();
  if (place.level > 0) {
    next_ = Instant(Duration(place.tick << tick_shift));
  } else {
    next_ = never;
    for (u32 id = heads_[place.slot]; id != nil; id = nodes_[id].next)
      next_ = std::min(next_, nodes_[id].deadline);
  }
  next_known_ = true;
  return next_;
}

std::optional<u32> TimingWheel::pop_due(Instant now) {
  const i64 target = std::max(tick_, now.time_since_epoch().count() >> tick_shift);
  while (armed_ > 0) {
    const Place place = first_occupied();
    if (place.tick > target) break;
    tick_ = place.tick;
    if (place.level > 0) {
      cascade(place.slot);
      continue;
    }
    // Within the tick of `now` some may be later; in an earlier one the first to be met is due, so
    // that many with one deadline cost no more each than few.
    for (u32 id = heads_[place.slot]; id != nil; id = nodes_[id].next) {
      if (nodes_[id].deadline > now) continue;
      cancel(id);
      return id;
    }
    return std::nullopt;
  }
  tick_ = target;
  return std::nullopt;
}

TimingWheel::Place TimingWheel::first_occupied() const {
  for (u32 level = 0; level < level_count; ++level) {
    if (occupied_[level] == 0) continue;
    const int shift = to<int>(level) * level_bits;
    const i64 current = tick_ >> shift;
    // Turned so that the current slot is bit 0: the first set bit is the distance to go.
    const u64 turned = std::rotr(occupied_[level], to<int>(current & (slot_count - 1)));
    const i64 unit = current + std::countr_zero(turned);
    return {level, level * slot_count + to<u32>(unit & (slot_count - 1)), unit << shift};
  }
  ASSERT(armed_ == 0);
  return {};
}

void TimingWheel::link(u32 id) {
  Node& node = nodes_[id];
  const i64 tick = std::max(tick_, node.deadline.time_since_epoch().count() >> tick_shift);
  u32 level = 0;
  int shift = 0;
  while (level + 1 < level_count) {
    const int turn = shift + level_bits;
    if ((tick >> turn) == (tick_ >> turn)) break;
    ++level;
    shift = turn;
  }
  const i64 unit = std::min(tick >> shift, (tick_ >> shift) + slot_count - 1);
  const u32 slot = to<u32>(unit & (slot_count - 1));

  node.slot = to<u16>(level * slot_count + slot);
  node.previous = nil;
  node.next = heads_[node.slot];
  if (node.next != nil) nodes_[node.next].previous = id;
  heads_[node.slot] = id;
  occupied_[level] |= u64{1} << slot;
}

void TimingWheel::unlink(u32 id) {
  Node& node = nodes_[id];
  if (node.previous != nil) {
    nodes_[node.previous].next = node.next;
  } else {
    heads_[node.slot] = node.next;
  }
  if (node.next != nil) nodes_[node.next].previous = node.previous;
  if (heads_[node.slot] == nil) {
    occupied_[node.slot / slot_count] &= ~(u64{1} << (node.slot % slot_count));
    next_known_ = false;
  }
  if (node.deadline <= next_) next_known_ = false;
  node.slot = unarmed;
}

void TimingWheel::cascade(u32 slot) {
  u32 id = heads_[slot];
  heads_[slot] = nil;
  occupied_[slot / slot_count] &= ~(u64{1} << (slot % slot_count));
  next_known_ = false;
  while (id != nil) {
    const u32 following = nodes_[id].next;
    link(id);
    id = following;
  }
}

}  // namespace base
}  // namespace handfast
