// RFC 5681: slow start, congestion avoidance, and the halving after a loss.
#pragma once

#include <algorithm>

#include "base/types.hpp"
#include "tcp/congestion/ack_sample.hpp"

namespace handfast::tcp {

class Reno {
 public:
  Reno(u32 mss, u32 initial_segments) : window_(mss * initial_segments) {}

  u32 window() const { return window_; }
  u32 threshold() const { return threshold_; }

  void on_ack(const AckSample& ack) {
    u32 acked = ack.acked;
    if (window_ < threshold_) {
      // RFC 5681 §3.1; appropriate byte counting without limit, as Linux does (RFC 3465).
      const u32 grown = std::min(acked, threshold_ - window_);
      window_ = std::min(window_max, window_ + grown);
      acked -= grown;
    }
    acked_ += acked;  // one MSS for each window of data
    if (acked_ < window_) return;
    acked_ -= window_;
    window_ = std::min(window_max, window_ + ack.mss);
  }
  void on_loss(u32 mss, Instant /*now*/) {
    prior_window_ = std::max(window_, threshold_ == window_max ? 0 : threshold_);
    threshold_ = std::max(window_ / 2, 2 * mss);  // RFC 5681 equation (4)
    acked_ = 0;
  }
  void on_timeout(u32 mss, Instant now) {
    on_loss(mss, now);
    window_ = mss;
  }
  void set_window(u32 bytes) { window_ = std::min(bytes, window_max); }
  void set_threshold(u32 bytes) { threshold_ = bytes; }
  /// The loss was none: back to where we were (RFC 5682 §3, RFC 3708).
  void undo() {
    window_ = std::max(window_, prior_window_);
    threshold_ = std::max(threshold_, prior_window_);
  }

  static constexpr u32 window_max = 1u << 30;  // bytes

 private:
  u32 window_;
  u32 threshold_ = window_max;
  u32 acked_ = 0;
  u32 prior_window_ = 0;
};

}  // namespace handfast::tcp
