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

}  // namespace handfast::tcp
