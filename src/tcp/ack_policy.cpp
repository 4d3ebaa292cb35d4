// The conventions are those of Linux: an acknowledgment time-out (ATO) that follows the gaps
// between segments, "quick" ACKs in the beginning and after trouble, and "interactive" connections.
#include "tcp/ack_policy.hpp"

#include <algorithm>

namespace handfast::tcp {

namespace {

constexpr u32 small_segment = 88;           // less than that says nothing about the peer's MSS
constexpr Duration delay_max = 200ms;       // where PSH or an answer is to be expected
constexpr Duration delay_full_max = 500ms;  // RFC 9293 MUST-40

}  // namespace

void AckPolicy::on_text(u32 length, bool pushed, const Now& now) {
  measure(length, pushed);
  if (ato_ == 0ns) {
    refill(now.quick_max, now);
    ato_ = now.least;
  } else {
    const Duration gap = now.now - text_at_;
    if (gap <= now.least / 2) {
      ato_ = ato_ / 2 + now.least / 2;
    } else if (gap < ato_) {
      ato_ = std::min(ato_ / 2 + gap, now.timeout);
    } else if (gap > now.timeout) {
      refill(now.quick_max, now);  // the peer's window has shrunk with the pause
    }
  }
  text_at_ = now.now;
}

void AckPolicy::on_open(const Now& now) {
  refill(now.quick_max, now);
  ato_ = now.least;
  text_at_ = now.now;
}

void AckPolicy::measure(u32 length, bool pushed) {
  // A super-segment tells nothing about the size of what it was made of.
  const u32 last = last_length_;
  last_length_ = 0;
  if (length >= mss_) {
    if (length < 9000) mss_ = to<u16>(length);
    pushed_ = pushed_ || pushed;
    return;
  }
  if (length >= small_segment) {
    last_length_ = to<u16>(length);
    if (length == last) {
      mss_ = to<u16>(length);
      return;
    }
  }
  pushed_twice_ = pushed_twice_ || pushed_;
  pushed_ = true;  // a part segment ends what the peer's application wrote
}

void AckPolicy::refill(u32 count, const Now& now) {
  const u32 fits = std::max(now.window / (2u * std::max<u32>(mss_, 1)), 2u);
  quick_ = to<u8>(std::max<u32>(quick_, std::min({fits, count, 255u})));
}

void AckPolicy::hurry(u32 count, const Now& now) {
  refill(std::min(count, now.quick_max), now);
  interactive_ = false;
  ato_ = now.least;
}

void AckPolicy::on_text_sent(Instant now) {
  if (now - text_at_ < ato_) interactive_ = true;
}

void AckPolicy::on_ack_sent(bool news, Duration least) {
  pushed_ = false;
  pushed_twice_ = false;
  if (!news || quick_ == 0) return;
  if (--quick_ == 0) ato_ = least;
}

void AckPolicy::on_timer(Duration least, Duration timeout) {
  if (interactive_) {
    interactive_ = false;
    ato_ = least;
  } else {
    ato_ = std::min(2 * ato_, timeout);
  }
}

Duration AckPolicy::delay(Duration least, Duration smoothed) const {
  if (ato_ <= least) return least;
  Duration longest = interactive_ || pushed_ ? delay_max : delay_full_max;
  if (smoothed > 0ns) longest = std::min(longest, std::max(smoothed, least));
  return std::min(ato_, longest);
}

}  // namespace handfast::tcp
