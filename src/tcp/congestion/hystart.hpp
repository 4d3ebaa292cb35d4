// RFC 9406: HyStart++ leaves slow start when the round trip begins to grow, before the loss.
#pragma once

#include "base/types.hpp"
#include "tcp/congestion/ack_sample.hpp"

namespace handfast::tcp {

class HyStart {
 public:
  /// What slow start may add for an acknowledgment of `ack.acked` bytes, by §4.2.
  u32 growth(const AckSample& ack) const {
    return in_conservative_ ? ack.acked / growth_divisor : ack.acked;
  }
  /// True when slow start is over: the window has come far enough.
  bool on_ack(const AckSample& ack);

 private:
  static constexpr u32 rtt_threshold_min = 4000;   // µs
  static constexpr u32 rtt_threshold_max = 16000;  // µs
  static constexpr u32 rtt_divisor = 8;
  static constexpr u8 samples_wanted = 8;
  static constexpr u32 growth_divisor = 4;
  static constexpr u8 conservative_rounds = 5;
  static constexpr u32 none = 0xffffffff;

  u32 round_end_ = 0;          // SND.NXT at the start of the round
  u32 round_min_ = none;       // µs
  u32 last_round_min_ = none;  // µs
  u32 baseline_ = none;        // µs; RTT when conservative slow start began
  u8 samples_ = 0;
  u8 rounds_ = 0;
  bool started_ = false;
  bool in_conservative_ = false;
};

}  // namespace handfast::tcp
