// RFC 4987 §3.6: SYN cookies. What a half-open record would remember lies in the SYN,ACK instead:
// the MSS in its sequence number, the other options in its timestamp. Whoever answers it proves
// that the SYN came from where it said; a SYN that nobody answers has cost nothing.
#pragma once

#include <array>
#include <optional>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::tcp {

/// When a listener answers SYNs by cookies.
enum class SynCookieUse : u8 {
  off,
  automatic,  // while more handshakes are half open than it may remember
  always,
};

/// The sequence number is 29 bits of a keyed hash over flow, the peer's ISN, period and MSS, and
/// three bits that name the MSS, covered by those of another hash.
class SynCookies {
 public:
  static constexpr Duration period = 64s;
  /// Every cookie is good for one period; after two none is.
  static constexpr Duration lifetime = 2 * period;

  /// The first key; the others follow from it.
  explicit SynCookies(const SipKey& first) : keys_{first, first} {}

  /// The ISS of a SYN,ACK. `mss` as the SYN named it; 0: not at all.
  u32 make(const wire::Flow& flow, u32 irs, u16 mss, Instant now);
  /// The MSS that went into `iss`, rounded down to one of the table; none where it is no cookie of
  /// ours for this flow, or too old a one.
  std::optional<u16> check(const wire::Flow& flow, u32 irs, u32 iss, Instant now);

 private:
  void advance(Instant now);
  u32 cookie(const wire::Flow& flow, u32 irs, u32 index, i64 when) const;
  u32 hash(const wire::Flow& flow, u32 irs, i64 when, u8 purpose) const;

  i64 period_ = 0;              // the running one, counted from the beginning of time
  std::array<SipKey, 2> keys_;  // of even and odd periods
};

/// What else a SYN may say, in the six lowest bits of the SYN,ACK's timestamp, which the peer
/// echoes. The layout is the one of Linux.
struct SynStamp {
  static constexpr u32 mask = 63;

  std::optional<u8> window_scale{};
  bool sack = false;
  bool ecn = false;

  /// The largest timestamp not after `clock` that says it.
  u32 in(u32 clock) const;
  static SynStamp of(u32 echo);
  friend bool operator==(const SynStamp&, const SynStamp&) = default;
};

}  // namespace handfast::tcp
