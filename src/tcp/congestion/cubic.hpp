// RFC 9438: CUBIC. The window follows a cubic of the time since the last loss, in whole numbers,
// so that a run is the same on every machine.
#pragma once

#include "base/types.hpp"
#include "tcp/congestion/ack_sample.hpp"
#include "tcp/congestion/hystart.hpp"

namespace handfast::tcp {

class Cubic {
 public:
  Cubic(u32 mss, u32 initial_segments) : window_(mss * initial_segments) {}

  u32 window() const { return window_; }
  u32 threshold() const { return threshold_; }

  void on_ack(const AckSample& ack);
  void on_loss(u32 mss, Instant now);
  void on_timeout(u32 mss, Instant now);
  void set_window(u32 bytes);
  void set_threshold(u32 bytes) { threshold_ = bytes; }
  /// §4.9.2: the loss was none.
  void undo();

  /// W_cubic(t) - W_max in bytes, for `t` - K in milliseconds (§4.2, C = 0.4).
  static i64 cubic_offset(i64 milliseconds, u32 mss);
  /// K in milliseconds for a window that has `distance` bytes to go back to W_max.
  static u32 time_to_maximum(u32 distance, u32 mss);

  static constexpr u32 window_max = 1u << 30;  // bytes

 private:
  void avoid_congestion(const AckSample& ack);
  void begin_epoch(const AckSample& ack);

  u32 window_;
  u32 threshold_ = window_max;
  u32 maximum_ = 0;          // W_max
  u32 estimate_ = 0;         // W_est, the window that Reno would have
  u32 estimate_rest_ = 0;    // thousandths of a byte not yet in it
  u32 window_rest_ = 0;      // bytes times window not yet in the window
  u32 time_to_maximum_ = 0;  // K, milliseconds
  u32 prior_window_ = 0;
  u32 prior_threshold_ = 0;
  u32 prior_maximum_ = 0;
  Instant epoch_{};  // zero: the next acknowledgment begins one
  HyStart hystart_;
};

}  // namespace handfast::tcp
