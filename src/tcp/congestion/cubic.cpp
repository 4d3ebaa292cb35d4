// RFC 9438 §4. Windows are in bytes, time in milliseconds.
#include "tcp/congestion/cubic.hpp"

#include <algorithm>

namespace handfast::tcp {

namespace {

/// The largest r with r * r * r <= value.
u32 cube_root(u64 value) {
  u64 root = 0;
  for (int shift = 63; shift >= 0; shift -= 3) {
    root *= 2;
    const u64 next = 3 * root * (root + 1) + 1;
    if ((value >> shift) >= next) {
      value -= next << shift;
      ++root;
    }
  }
  return to<u32>(root);
}

}  // namespace

i64 Cubic::cubic_offset(i64 milliseconds, u32 mss) {
  // C * t^3 segments, C = 0.4 and t in seconds: 2 mss t_ms^3 / 5e9 bytes.
  const i64 t = std::clamp<i64>(milliseconds, -100'000, 100'000);
  const i64 cube = t * t * t / 1000;
  return cube * 2 * to<i64>(mss) / 5'000'000;
}

u32 Cubic::time_to_maximum(u32 distance, u32 mss) {
  // K = cbrt(distance / C) seconds, distance in segments (§4.2).
  return cube_root(u64{std::min(distance, window_max)} * 2'500'000'000 / std::max(mss, 1u));
}

void Cubic::on_ack(const AckSample& ack) {
  if (window_ >= threshold_) {
    avoid_congestion(ack);
    return;
  }
  // RFC 9406 §4.3: only the first slow start needs it, while nothing is known of the path.
  const bool first = threshold_ == window_max;
  const u32 growth = first ? hystart_.growth(ack) : ack.acked;
  window_ = std::min(window_max, window_ + std::min(growth, threshold_ - window_));
  if (first && hystart_.on_ack(ack)) threshold_ = window_;
}

void Cubic::begin_epoch(const AckSample& ack) {
  epoch_ = ack.now;
  estimate_ = window_;
  estimate_rest_ = 0;
  window_rest_ = 0;
  maximum_ = std::max(maximum_, window_);
  time_to_maximum_ = time_to_maximum(maximum_ - window_, ack.mss);
}

void Cubic::avoid_congestion(const AckSample& ack) {
  if (epoch_ == Instant{}) begin_epoch(ack);
  const u64 window = std::max(window_, 1u);
  // §4.3: alpha = 3 (1 - beta) / (1 + beta) = 0.529, and 1 once past the window before the loss.
  const u64 alpha = estimate_ < maximum_ ? 529 : 1000;
  const u64 growth = alpha * ack.mss * ack.acked / window + estimate_rest_;
  estimate_ = to<u32>(std::min<u64>(window_max, estimate_ + growth / 1000));
  estimate_rest_ = to<u32>(growth % 1000);

  const i64 elapsed = (ack.now - epoch_) / 1ms - to<i64>(time_to_maximum_);
  const i64 here = to<i64>(maximum_) + cubic_offset(elapsed, ack.mss);
  if (here < to<i64>(estimate_)) {
    window_ = std::max(window_, estimate_);  // the Reno-friendly region
    return;
  }
  // §4.4, §4.5: what the window should be one round trip from now, but at most half as much more.
  const i64 ahead = to<i64>(maximum_) + cubic_offset(elapsed + ack.smoothed / 1ms, ack.mss);
  const u64 target =
      to<u64>(std::clamp<i64>(ahead, to<i64>(window_), to<i64>(window_) + to<i64>(window_ / 2)));
  const u64 credit = (target - window_) * ack.acked + window_rest_;
  window_ = to<u32>(std::min<u64>(window_max, window_ + credit / window));
  window_rest_ = to<u32>(credit % window);
}

void Cubic::on_loss(u32 mss, Instant /*now*/) {
  prior_window_ = window_;
  prior_threshold_ = threshold_;
  prior_maximum_ = maximum_;
  // §4.7, fast convergence: who lost below the last maximum makes room for others.
  maximum_ = window_ < maximum_ ? to<u32>(u64{window_} * 17 / 20) : window_;
  threshold_ = std::max(to<u32>(u64{window_} * 7 / 10), 2 * mss);  // §4.6, beta = 0.7
  epoch_ = {};
}

void Cubic::on_timeout(u32 mss, Instant now) {
  on_loss(mss, now);
  window_ = mss;
}

void Cubic::set_window(u32 bytes) { window_ = std::min(bytes, window_max); }

void Cubic::undo() {
  if (prior_window_ == 0) return;
  window_ = std::max(window_, prior_window_);
  threshold_ = std::max(threshold_, prior_threshold_);
  maximum_ = std::max(maximum_, prior_maximum_);
  epoch_ = {};
  prior_window_ = 0;
}

}  // namespace handfast::tcp
