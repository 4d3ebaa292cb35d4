// Many deadlines, one node each: setting, moving and cancelling are O(1) (Varghese and Lauck 1987).
// A deadline is kept exactly; the wheel only sorts coarsely.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast {
inline namespace base {

class TimingWheel {
 public:
  /// Deadlines are coarsely sorted in ticks of 2^20 ns (about 1 ms), six levels of 64 slots.
  explicit TimingWheel(Instant now);

  /// Arms node `id` (a small dense index: it sizes a vector) for `deadline`, moving it if armed.
  /// `never` cancels.
  void set(u32 id, Instant deadline);
  void cancel(u32 id);
  /// What `id` waits for, or `never`.
  Instant deadline_of(u32 id) const { return id < nodes_.size() ? nodes_[id].deadline : never; }

  /// The exact earliest deadline where it lies in the current turn of the lowest level (64 ticks),
  /// else a time at or before it: wake up then, pop_due(), and ask again; at most once a level.
  /// `never` when nothing is armed.
  Instant next() const;
  /// Disarms and returns one node whose deadline is at or before `now`; none when all are later.
  /// Which of several comes first is unspecified, but the same in every run. `now` must not go
  /// back. After it returned none, next() is later than `now`.
  std::optional<u32> pop_due(Instant now);

  u32 size() const { return armed_; }

 private:
  static constexpr int tick_shift = 20;
  static constexpr int level_bits = 6;
  static constexpr u32 level_count = 6;
  static constexpr u32 slot_count = 1u << level_bits;
  static constexpr u32 nil = 0xffffffff;

  static constexpr u16 unarmed = 0xffff;

  struct Node {
    Instant deadline = never;
    u32 previous = nil;
    u32 next = nil;
    u16 slot = unarmed;  // level * 64 + slot
  };
  struct Place {
    u32 level = 0;
    u32 slot = 0;  // level * 64 + slot, as in Node
    i64 tick = 0;  // the first tick of that slot
  };

  Place first_occupied() const;
  void link(u32 id);
  void unlink(u32 id);
  void cascade(u32 slot);

  std::vector<Node> nodes_;
  std::array<u32, std::size_t{level_count} * slot_count> heads_;
  std::array<u64, level_count> occupied_{};  // one bit a slot
  i64 tick_;                                 // nothing lies in a slot before it
  u32 armed_ = 0;
  mutable bool next_known_ = false;  // next_ is what next() found, and still holds
  mutable Instant next_ = never;
};

}  // namespace base
}  // namespace handfast
