// RFC 5681: slow start, congestion avoidance, and the halving after a loss.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

class Reno {
 public:
  Reno(u32 mss, u32 initial_segments) : window_(mss * initial_segments) {}

  u32 window() const { return window_; }
  u32 threshold() const { return threshold_; }

  void on_ack(u32 acked, u32 mss, Instant /*now*/) {
    if (window_ < threshold_) {  // RFC 5681 §3.1, RFC 3465 with L = unlimited as Linux does
      window_ = std::min(add(window_, acked), std::max(threshold_, add(window_, 1)));
      return;
    }
    acked_ += acked;  // appropriate byte counting: one MSS a window of data
    if (acked_ >= window_) {
      acked_ -= window_;
      window_ = add(window_, mss);
    }
  }
  void on_loss(u32 in_flight, u32 mss, Instant /*now*/) {
    threshold_ = std::max(in_flight / 2, 2 * mss);  // RFC 5681 equation (4)
    acked_ = 0;
  }
  void on_timeout(u32 in_flight, u32 mss, Instant now) {
    on_loss(in_flight, mss, now);
    window_ = mss;
  }
  void set_window(u32 bytes) { window_ = bytes; }

 private:
  static constexpr u32 window_max = 1u << 30;
  static u32 add(u32 a, u32 b) { return std::min(window_max, a + std::min(b, window_max)); }

  u32 window_;
  u32 threshold_ = window_max;
  u32 acked_ = 0;
};

}  // namespace handfast::tcp
