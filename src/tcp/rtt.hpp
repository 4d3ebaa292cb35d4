// RFC 6298: the round-trip time and the retransmission time-out that follows from it.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "tcp/config.hpp"

namespace handfast::tcp {

class RttEstimator {
 public:
  explicit RttEstimator(const Config& config) : timeout_(config.rto_initial) {}

  bool has_sample() const { return smoothed_ != 0ns; }
  Duration smoothed() const { return smoothed_; }
  Duration variation() const { return variation_; }
  /// The smallest sample so far; zero before the first.
  Duration minimum() const { return minimum_; }
  /// RTO with the back-off of §5.5 applied.
  Duration timeout(const Config& config) const {
    return std::min(timeout_ * (1u << std::min<u32>(backoff_, 16)), config.rto_max);
  }
  u32 backoff() const { return backoff_; }

  /// §2.2, §2.3. By Karn's rule (§3) never from a retransmitted segment.
  void on_sample(Duration sample, const Config& config) {
    sample = std::max(sample, Duration(1us));
    if (!has_sample()) {
      smoothed_ = sample;
      variation_ = sample / 2;
      minimum_ = sample;
    } else {
      const Duration error = smoothed_ > sample ? smoothed_ - sample : sample - smoothed_;
      variation_ += (error - variation_) / 4;
      smoothed_ += (sample - smoothed_) / 8;
      minimum_ = std::min(minimum_, sample);
    }
    timeout_ = config.rto_min_of_sum ? std::max(smoothed_ + 4 * variation_, config.rto_min)
                                     : smoothed_ + std::max(4 * variation_, config.rto_min);
    backoff_ = 0;
  }
  /// §5.5: "The host MUST set RTO <- RTO * 2".
  void back_off() { ++backoff_; }
  void clear_backoff() { backoff_ = 0; }
  /// §5.7: "the RTO MUST be re-initialized to 3 seconds when data transmission begins" where the
  /// SYN had to be sent again.
  void after_lost_syn() {
    backoff_ = 0;
    timeout_ = 3s;
  }

 private:
  Duration smoothed_{};
  Duration variation_{};
  Duration minimum_{};
  Duration timeout_;
  u32 backoff_ = 0;
};

}  // namespace handfast::tcp
