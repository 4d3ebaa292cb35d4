#include "tcp/rate_sampler.hpp"

#include <algorithm>

namespace handfast::tcp {

namespace {

u32 microseconds(Duration d) { return to<u32>(std::clamp<i64>(d / 1us, 0, 0xffff'ffff)); }

}  // namespace

void RateSampler::on_sent(Sent& record, bool idle, Instant now) {
  if (idle) {
    first_sent_at_ = now;
    delivered_at_ = now;
  }
  record.delivered_before = to<u32>(delivered_);
  record.since_delivery = microseconds(now - delivered_at_);
  record.since_first = microseconds(now - first_sent_at_);
  record.app_limited = starved_until_ != 0;
}

void RateSampler::on_delivered(const Sent& record, Instant now) {
  delivered_ += record.length();
  delivered_at_ = now;
  if (sampling_ && record.at <= sample_sent_at_) return;
  sampling_ = true;
  sample_delivered_ = record.delivered_before;
  sample_sent_at_ = record.at;
  sample_send_time_ = std::chrono::microseconds(record.since_first);
  sample_since_ = record.at - std::chrono::microseconds(record.since_delivery);
  sample_app_limited_ = record.app_limited;
  first_sent_at_ = record.at;
}

void RateSampler::end_sample(Duration rtt_min, Instant now) {
  if (starved_until_ != 0 && delivered_ > starved_until_) starved_until_ = 0;
  if (!sampling_) return;
  sampling_ = false;
  // A burst can be acknowledged faster than it was sent and the other way round: the slower counts.
  const Duration time = std::max(sample_send_time_, now - sample_since_);
  if (time <= 0ns || time < rtt_min) return;
  const u32 bytes = to<u32>(delivered_) - sample_delivered_;
  // What the application held back counts only where it shows the path to be faster.
  if (sample_app_limited_ && rate_time_ > 0ns &&
      to<u64>(bytes) * to<u64>(rate_time_ / 1us) < to<u64>(rate_bytes_) * to<u64>(time / 1us))
    return;
  rate_bytes_ = bytes;
  rate_time_ = time;
  rate_app_limited_ = sample_app_limited_;
}

void RateSampler::on_starved(u32 in_flight) {
  starved_until_ = std::max<u64>(delivered_ + in_flight, 1);
}

u64 RateSampler::rate() const {
  if (rate_time_ <= 0ns) return 0;
  return to<u64>(rate_bytes_) * 1'000'000 / to<u64>(std::max<i64>(rate_time_ / 1us, 1));
}

}  // namespace handfast::tcp
