// Spreads what may be sent over the round trip instead of sending it in one burst.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

class Pacer {
 public:
  /// When the next text may go.
  Instant next() const { return next_; }
  bool may_send(Instant now) const { return next_ <= now; }
  /// What may go in one piece: a millisecond's worth, and two segments at least.
  static u32 quantum(u64 rate, u32 mss) {
    return to<u32>(std::clamp<u64>(rate / 1000 / mss, 2, 64)) * mss;
  }
  /// `bytes` went out at `rate` bytes a second. Being late is made up for by half a gap at most.
  void on_sent(u32 bytes, u64 rate, Instant now) {
    const Duration gap(to<i64>(u64{bytes} * 1'000'000'000 / std::max<u64>(rate, 1)));
    const Duration late = std::max(now - next_, Duration(0));
    next_ = now + gap - std::min(gap / 2, next_ == Instant{} ? Duration(0) : late);
  }

 private:
  Instant next_{};
};

}  // namespace handfast::tcp
