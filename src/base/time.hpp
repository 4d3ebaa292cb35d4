// Time as the engines know it: an argument. There is no now() here on purpose; a driver that owns
// a clock hands its readings in, and a simulated world makes them up.
#pragma once

#include <chrono>

namespace handfast {
inline namespace base {

using Duration = std::chrono::nanoseconds;

/// The timeline of one host or one world. Its epoch is whatever the driver chose.
struct Timeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Timeline, Duration>;
  static constexpr bool is_steady = true;
};
using Instant = Timeline::time_point;

/// The deadline of something that waits for nothing.
inline constexpr Instant never = Instant::max();

/// now + d, where the sum stays at `never` instead of wrapping round.
constexpr Instant after(Instant now, Duration d) {
  return d > Duration::zero() && now >= never - d ? never : now + d;
}

/// Calendar time in UTC, as certificates have it: an argument too, from whoever owns a clock.
using WallTime = std::chrono::sys_seconds;

using namespace std::chrono_literals;

}  // namespace base
}  // namespace handfast
