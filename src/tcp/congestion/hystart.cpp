// RFC 9406 §4.2.
#include "tcp/congestion/hystart.hpp"

#include <algorithm>

#include "tcp/sequence.hpp"

namespace handfast::tcp {

bool HyStart::on_ack(const AckSample& ack) {
  if (!started_ || seq_ge(ack.una, round_end_)) {
    // A round ends when what was sent at its start is acknowledged.
    if (started_ && in_conservative_ && ++rounds_ >= conservative_rounds) return true;
    started_ = true;
    round_end_ = ack.nxt;
    last_round_min_ = round_min_;
    round_min_ = none;
    samples_ = 0;
  }
  if (ack.rtt <= 0ns) return false;
  const u32 rtt = to<u32>(std::min<i64>(ack.rtt / 1us, none - 1));
  round_min_ = std::min(round_min_, rtt);
  if (samples_ < samples_wanted) ++samples_;
  if (samples_ < samples_wanted) return false;
  if (in_conservative_) {
    // "If the round-trip time has dropped below the baseline, resume slow start."
    if (round_min_ < baseline_) {
      in_conservative_ = false;
      baseline_ = none;
    }
    return false;
  }
  if (last_round_min_ == none) return false;
  const u32 threshold =
      std::clamp(last_round_min_ / rtt_divisor, rtt_threshold_min, rtt_threshold_max);
  if (round_min_ < last_round_min_ + threshold) return false;
  baseline_ = round_min_;
  in_conservative_ = true;
  rounds_ = 0;
  return false;
}

}  // namespace handfast::tcp
