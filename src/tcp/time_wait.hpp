// RFC 9293 §3.10.7.4, TIME-WAIT: what is left of a connection for two maximum segment lifetimes,
// as a small record. It answers a repeated FIN and keeps old segments out of a new connection.
#pragma once

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/connection.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

class TimeWait {
 public:
  /// What its owner must do after on_segment().
  enum class Verdict : u8 {
    ignored,    // nothing: dropped (RFC 1337: an RST does not end TIME-WAIT)
    acked,      // send ack() (limited by Context::may_challenge when it was no FIN)
    restarted,  // send ack(), and the record lives another 2 MSL from now
    reuse,      // a new SYN that is surely newer (RFC 6191, RFC 9293 MAY-2): drop the record, and
                // let the listener take the segment
  };

  TimeWait(const Remembered& last, Instant expiry) : last_(last), expiry_(expiry) {}

  Verdict on_segment(const wire::TcpSegment& segment) const;
  /// `flow` is its owner's to know, as in the connection that it stands for.
  wire::TcpHeader ack(const Context& context, const wire::Flow& flow, Instant now) const;
  Instant expiry() const { return expiry_; }
  void restart(Instant expiry) { expiry_ = expiry; }

 private:
  Remembered last_;
  Instant expiry_;
};

}  // namespace handfast::tcp
