// What all connections of one host share. It owns no connection and is handed to each.
#pragma once

#include <string_view>

#include "base/buffer_pool.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "tcp/config.hpp"
#include "tcp/counters.hpp"
#include "tcp/flight.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/traffic.hpp"
#include "trace/event.hpp"
#include "wire/address.hpp"

namespace handfast::tcp {

class Context {
 public:
  Context(const Config& settings, Rng rng, trace::Sink* trace_sink)
      : config(settings),
        buffers(settings.buffers_max),
        sink(trace_sink),
        defaults(settings_pool.take(settings)),
        secret_(SipKey::draw(rng)),
        syn_cookies(key_for("SYN cookies")),
        fast_open_keys(settings.fast_open_key.value_or(draw_fast_open_key())),
        fast_open_peers(key_for("Fast Open peers")) {}

  /// RFC 6528: ISN = M + F(flow, secret), M a clock of 4 µs.
  u32 initial_sequence(const wire::Flow& flow, Instant now) const;
  /// RFC 7323 §5.4: an offset per connection, so that timestamps tell nothing about the host.
  u32 timestamp_offset(const wire::Flow& flow) const;
  /// A key of its own for each purpose.
  SipKey key_for(std::string_view purpose) const;
  /// RFC 5961 §7: whether one more challenge ACK may go out now.
  bool may_challenge(Instant now);

  const Config config;
  BufferPool buffers;
  FlightPool flights;
  SettingsPool settings_pool;
  RangePool ranges;
  TrafficPool traffics;
  trace::Sink* const sink;
  SharedSettings* const defaults;
  Counters counters;

 private:
  FastOpenKey draw_fast_open_key() const;
  u64 hash_of(const wire::Flow& flow) const;

  SipKey secret_;
  // A connection asks for its sequence number and its timestamp offset at once: two halves of one
  // hash. No flow is all zeros.
  mutable wire::Flow hashed_flow_{};
  mutable u64 hash_ = 0;

 public:
  SynCookies syn_cookies;
  FastOpenKeys fast_open_keys;
  FastOpenPeers fast_open_peers;

 private:
  Instant challenge_second_{};
  u32 challenges_ = 0;
};

}  // namespace handfast::tcp
