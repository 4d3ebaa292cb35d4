// What a listener's SYNs tell while too many of them come: how fast, from how many addresses, and
// what became of the cookies that were sent in answer (RFC 4987).
#pragma once

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "host/distinct_counter.hpp"
#include "trace/event.hpp"
#include "wire/address.hpp"

namespace handfast::host {

/// Counts of one listener since its flood began. It exists only during one.
class SynFlood {
 public:
  static constexpr Duration tick = 1s;

  /// `rate`: of SYNs a second, as far as it is known.
  SynFlood(const SipKey& key, u64 rate, Instant now)
      : key_(key), began_(now), ticked_(now), rate_(rate) {}

  void on_syn(const wire::IpAddress& source);
  void on_cookie_sent() { ++cookies_sent_; }
  void on_cookie(bool valid);
  /// A handshake was finished in the ordinary way.
  void on_finished() { ++finished_; }

  /// A second has passed. `unfinished_max`: handshakes a second that may stay unfinished without
  /// being a flood.
  enum class Verdict : u8 { silent, tell, over };
  Verdict on_tick(u32 unfinished_max, Instant now);

  trace::SynFlood event(const wire::Endpoint& listener, std::string_view state, Instant now) const;

 private:
  SipKey key_;
  Instant began_;
  Instant ticked_;
  u32 ticks_ = 0;
  u32 quiet_ticks_ = 0;
  u64 syns_ = 0;
  u64 syns_before_ = 0;  // at the last tick
  u64 finished_ = 0;
  u64 finished_before_ = 0;
  u64 rate_;
  u64 cookies_sent_ = 0;
  u64 cookies_valid_ = 0;
  u64 cookies_invalid_ = 0;
  DistinctCounter sources_{};
};

}  // namespace handfast::host
