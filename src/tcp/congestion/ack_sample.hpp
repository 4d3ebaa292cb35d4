// What a congestion controller hears of an acknowledgment.
#pragma once

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

struct AckSample {
  u32 acked = 0;        // bytes newly acknowledged
  u32 mss = 0;          // bytes
  u32 una = 0;          // SND.UNA after it
  u32 nxt = 0;          // SND.NXT
  Duration rtt{};       // measured by this acknowledgment; zero: none
  Duration smoothed{};  // SRTT
  Instant now{};
  u32 in_flight = 0;         // bytes, before it
  u64 delivered = 0;         // bytes in all
  u64 delivery_rate = 0;     // bytes a second; zero: never measured
  bool app_limited = false;  // that is the application's rate, not the path's
};

}  // namespace handfast::tcp
