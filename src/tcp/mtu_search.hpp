// RFC 4821, RFC 8899: what the path carries, found without the help of ICMP: a full-sized segment
// that never arrives makes segments smaller, and now and then a larger one is tried.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/sequence.hpp"

namespace handfast::tcp {

/// MTUs, in bytes of IP packet. `low` surely passes, more than `high` surely does not.
class MtuSearch {
 public:
  bool is_on() const { return high_ != 0; }
  u32 low() const { return low_; }
  bool is_probing() const { return probe_ != 0; }
  u32 probe_start() const { return start_; }

  void begin(u32 low, u32 high) {
    low_ = to<u16>(low);
    high_ = to<u16>(high);
    probe_ = 0;
  }
  /// Even `low` does not pass.
  void shrink(u32 low) {
    low_ = to<u16>(low);
    probe_ = 0;
  }
  /// The MTU to try now, or 0 where the search is over for now.
  u32 next(Instant now) const {
    constexpr u32 worth_it = 8;  // bytes; a smaller gap is not looked into
    if (!is_on() || is_probing() || now < again_at_ || high_ < low_ + worth_it) return 0;
    return (u32{low_} + high_ + 1) / 2;
  }
  void on_sent(u32 mtu, u32 start, u32 end) {
    probe_ = to<u16>(mtu);
    start_ = start;
    end_ = end;
  }
  /// True where that makes `low` larger.
  bool on_ack(u32 una, Instant now) {
    if (!is_probing() || seq_lt(una, end_)) return false;
    low_ = probe_;
    probe_ = 0;
    rest(now);
    return true;
  }
  void on_lost(Instant now) {
    high_ = to<u16>(probe_ - 1u);
    probe_ = 0;
    rest(now);
  }
  /// An ICMP error told the truth.
  void limit(u32 mtu) {
    if (!is_on()) return;
    high_ = to<u16>(mtu);
    low_ = std::min(low_, high_);
    if (probe_ > high_) probe_ = 0;
  }

 private:
  static constexpr Duration again_after = 600s;  // RFC 4821 §7.4, RFC 8201 §4

  void rest(Instant now) {
    if (high_ < low_ + 8u) again_at_ = now + again_after;
  }

  u16 low_ = 0;
  u16 high_ = 0;  // 0: no search
  u16 probe_ = 0;
  u32 start_ = 0;
  u32 end_ = 0;
  Instant again_at_{};
};

}  // namespace handfast::tcp
