#include "tcp/tcb.hpp"

#include <algorithm>

namespace handfast::tcp {

namespace {

/// RFC 9293 §3.7.1 (MUST-15): 536 for IPv4, 1220 for IPv6 where the peer names no MSS.
u16 default_mss(const wire::Flow& flow, const Config& config) {
  return to<u16>(flow.remote.address.is_v4() ? config.mss_default : 1220);
}

}  // namespace

Tcb::Tcb(Context& context, const wire::Flow& flow, u32 path_mtu, SharedSettings* settings)
    : context_(context),
      settings_(SettingsPool::share(settings == nullptr ? context.defaults : settings)),
      flow_(flow),
      peer_mss_(default_mss(flow, context.config)),
      mtu_(to<u16>(std::min<u32>(path_mtu, 65535))),
      timestamp_offset_(context.timestamp_offset(flow)),
      rtt_(context.config),
      control_(settings_->value.congestion, default_mss(flow, context.config),
               context.config.initial_window_segments) {
  timers_.fill(never);
  settle_mss();
  rcv_.limit = initial_window(context.config, settings_->value);
}

Tcb::~Tcb() {
  send_ring_.release(context_.buffers);
  receive_ring_.release(context_.buffers);
  context_.flights.give(std::move(flight_));
  context_.ranges.give(std::move(ranges_));
  context_.traffics.give(std::move(traffic_));
  context_.settings_pool.give(settings_);
}

// RFC 5961 §7: whether one more challenge ACK may go out now.
bool Tcb::may_challenge(Instant now) {
  const u8 second = to<u8>(now.time_since_epoch() / 1s % 256);
  if (second != challenge_second_) challenges_ = 0;
  challenge_second_ = second;
  if (challenges_ >= context_.config.challenge_acks_per_connection_second_max) {
    ++context_.counters.challenge_acks_suppressed;
    return false;
  }
  if (!context_.may_challenge(now)) return false;
  if (challenges_ < 0xff) ++challenges_;
  return true;
}

}  // namespace handfast::tcp
