// So many at once, and so many a second after that.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::http::h2 {

class Allowance {
 public:
  Allowance(u32 burst_max, u32 per_second_max)
      : interval_(Duration(1s) / std::max(per_second_max, 1u)), ahead_max_(interval_ * burst_max) {}

  /// Takes one; false where there is none left.
  bool take(Instant now) {
    next_ = std::max(next_, now) + interval_;
    return next_ - now <= ahead_max_;
  }

 private:
  Duration interval_;
  Duration ahead_max_;
  Instant next_ = Instant::min();  // when all that was taken will have been given back
};

}  // namespace handfast::http::h2
