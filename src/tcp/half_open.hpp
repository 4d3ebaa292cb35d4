// RFC 4987 §3.3: a passive open between its SYN and the ACK of our SYN,ACK, as a small record
// instead of a connection, so that a flood of SYNs costs little. Its state is SYN_RECEIVED.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

class Context;
struct Settings;

class HalfOpen {
 public:
  /// What the listener must do after on_segment().
  enum class Verdict : u8 {
    stays,        // nothing more
    deferred,     // acknowledged, but its data is waited for (Settings::defer_accept)
    answer,       // the SYN came again: send syn_ack() once more; deadline() has moved
    established,  // make a Connection, accept() this record and hand it the same segment
    reset,        // the peer gave up: back to LISTEN (RFC 9293 §3.10.7.4, second)
    refuse,       // answer with RST: it acknowledges what was not sent (fifth)
    challenge,    // answer with an ACK that tells where we are (RFC 5961)
  };

  /// From an acceptable SYN for a listening endpoint (RFC 9293 §3.10.7.2). `path_mtu` in bytes.
  /// `settings` are the listener's.
  HalfOpen(Context& context, const Settings& settings, const wire::Flow& flow,
           const wire::TcpSegment& syn, u32 path_mtu, Instant now);

  /// From the answer to a cookie: the record as it would have been. None where it proves nothing.
  static std::optional<HalfOpen> from_cookie(Context& context, const Settings& settings,
                                             const wire::Flow& flow, const wire::TcpSegment& answer,
                                             u32 path_mtu, Instant now);
  /// The SYN's packet had this ECN field.
  void came_with(u8 ecn) { syn_ecn_ = ecn & 3; }
  /// Nothing will remember this record: what syn_ack() says must bring it back.
  void become_cookie(Context& context, Instant now);

  Verdict on_segment(const Context& context, const wire::TcpSegment& segment, Instant now);
  /// The SYN,ACK to send, at first and again.
  wire::TcpHeader syn_ack(const Context& context, Instant now) const;
  /// The plain ACK of a challenge.
  wire::TcpHeader challenge_ack(const Context& context, Instant now) const;
  /// Time to repeat the SYN,ACK; false: the retries are used up and the record expires.
  bool on_deadline(const Context& context, Instant now);
  /// Whether to repeat it indeed: not while only data is missing.
  bool is_unanswered() const { return !acked_ || retries_ >= deferrals_; }
  Instant deadline() const { return deadline_; }

  const wire::Flow& flow() const { return flow_; }
  u32 iss() const { return iss_; }
  u8 retries() const { return retries_; }

 private:
  friend class Connection;

  u16 ecn_answer() const;

  wire::Flow flow_;
  u32 iss_;
  u32 irs_;
  u32 timestamp_recent_ = 0;
  Instant sent_at_;  // of the first SYN,ACK: the round trip is measured from there
  Instant deadline_;
  u16 path_mtu_;
  u16 mss_max_;     // TCP_MAXSEG of the listener
  u16 window_own_;  // as our SYN,ACK offers it
  u16 window_;      // as the SYN offered it
  u16 mss_;         // as the SYN named it
  u8 window_scale_ = 0;
  u8 retries_ = 0;
  bool scaling_ : 1 = false;
  bool timestamps_ : 1 = false;
  bool sack_ : 1 = false;
  bool cookie_ : 1 = false;    // it was, or will be, remembered by the peer alone
  bool ecn_ : 1 = false;       // RFC 3168 or 9768 was asked for, and is granted
  bool accurate_ : 1 = false;  // RFC 9768
  u8 syn_ecn_ : 2 = 0;
  u8 deferrals_ = 0;        // as many time-outs long the handshake may wait for data
  bool acked_ : 1 = false;  // our SYN,ACK was, without data
};
static_assert(sizeof(HalfOpen) <= 80);

}  // namespace handfast::tcp
