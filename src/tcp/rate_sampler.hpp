// How fast the path delivers, measured over what one acknowledgment covers: the way that BBR
// (draft-ietf-ccwg-bbr §4.1) takes a delivery rate sample, and what tcp_info reports.
#pragma once

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/flight.hpp"

namespace handfast::tcp {

class RateSampler {
 public:
  /// A record is about to be sent, again perhaps. `idle`: nothing is in flight.
  void on_sent(Sent& record, bool idle, Instant now);
  /// It is known to have arrived.
  void on_delivered(const Sent& record, Instant now);
  /// `bytes` at its beginning have; the rest follows.
  void on_part_delivered(u32 bytes) { delivered_ += bytes; }
  /// All of an acknowledgment has been looked at; `rtt_min` is the shortest round trip seen.
  void end_sample(Duration rtt_min, Instant now);
  /// Nothing waits to be sent although there is room: what is measured until all this is
  /// delivered says little about the path.
  void on_starved(u32 in_flight);

  /// Bytes a second; zero: never measured.
  u64 rate() const;
  bool is_app_limited() const { return rate_app_limited_; }
  /// Bytes delivered in all.
  u64 delivered() const { return delivered_; }

 private:
  u64 delivered_ = 0;
  u64 starved_until_ = 0;  // in delivered_; zero: not starved
  Instant delivered_at_{};
  Instant first_sent_at_{};

  // Of the newest record that this acknowledgment covers.
  bool sampling_ = false;
  bool sample_app_limited_ = false;
  u32 sample_delivered_ = 0;
  Instant sample_sent_at_{};
  Duration sample_send_time_{};
  Instant sample_since_{};

  u32 rate_bytes_ = 0;
  bool rate_app_limited_ = false;
  Duration rate_time_{};
};

}  // namespace handfast::tcp
