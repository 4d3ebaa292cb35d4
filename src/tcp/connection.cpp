// The life of a TCB: how it is made, how its state moves, how it ends (RFC 9293 §3.3).
#include "tcp/connection.hpp"

#include <algorithm>

#include "tcp/edges.hpp"

namespace handfast::tcp {

namespace {

u32 headers_size(const wire::Flow& flow) {
  return flow.remote.address.is_v4() ? 40 : 60;  // IP and TCP, both without options
}

}  // namespace

Connection::Connection(Context& context, const wire::Flow& flow, u32 path_mtu,
                       SharedSettings* settings)
    : Tcb(context, flow, path_mtu, settings) {}

void Connection::enter(State next, Instant now, trace::Why why) {
  const State before = state_;
  state_ = next;
  take_edge(context_, before, next, flow_, now, why);
  switch (next) {
    case State::established:
      tell(Event::connected);
      restart_keepalive(now);
      break;
    case State::fin_wait_2:
      if (released_)
        set_timer(Timer::fin_wait_2, now + std::max(settings().fin_wait_2_timeout, Duration(0)));
      break;
    case State::time_wait:
    case State::closed:
      timers_.fill(never);
      probe_now_ = false;
      context_.flights.give(std::move(flight_));
      send_ring_.release(context_.buffers);
      tell(Event::closed);
      break;
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::fin_wait_1:
    case State::close_wait:
    case State::closing:
    case State::last_ack: break;
  }
}

void Connection::end(Errc code, Instant now, trace::Why why) {
  if (state_ == State::closed) return;
  error_ = code;
  if (code != Errc::none) {
    if (is_synchronized(state_)) {
      context_.counters.established_resets += code == Errc::reset || code == Errc::aborted;
    } else {
      ++context_.counters.attempt_fails;
    }
  }
  ack_now_ = false;
  if (state_ == State::time_wait) return;  // its record is the host's
  enter(State::closed, now, why);
}

std::optional<Event> Connection::poll_event() {
  if (events_ == 0) return std::nullopt;
  for (const Event event : {Event::connected, Event::urgent, Event::readable, Event::writable,
                            Event::peer_closed, Event::flushed, Event::heartbeat, Event::closed}) {
    if ((events_ & bit(event)) == 0) continue;
    events_ = to<u16>(events_ & ~bit(event));
    return event;
  }
  return std::nullopt;
}

u32 Connection::advertised_mss() const {
  const u32 path = mtu_ - std::min<u32>(headers_size(flow_), mtu_ - 1u);
  return settings().mss_max != 0 ? std::min(settings().mss_max, path) : path;
}

u32 Connection::mss_now() const {
  const u32 path = advertised_mss();
  const u32 options = timestamps_ ? 12 : 0;  // RFC 6691: options come off the data
  const u32 mss = std::min<u32>(peer_mss_, path);
  return std::max<u32>(mss > options ? mss - options : 1, 1);
}

u32 Connection::text_max() const {
  const u32 reported = (ranges_ == nullptr ? 0 : ranges_->size()) + (duplicate_to_report_ ? 1 : 0);
  if (!sack_ || reported == 0) return mss_now();
  const u32 blocks = std::min<u32>(reported, timestamps_ ? 3 : 4);
  const u32 options = 4 + 8 * blocks;
  return mss_now() > options ? mss_now() - options : 1;
}

void Connection::set_path_mtu(u32 mtu, Instant now) {
  // RFC 8201 §4, RFC 1191 §3: never below what every path carries.
  const u32 floor = flow_.remote.address.is_v4() ? 552 : 1280;
  mtu = std::clamp<u32>(mtu, floor, 65535);
  const bool smaller = mtu < mtu_;
  mtu_ = to<u16>(mtu);
  if (!smaller || flight_ == nullptr || flight_->empty()) return;
  if (state_ == State::syn_sent && early_) mark_lost(0);  // it was too big with data in it
  // What was too big is gone: send it again in pieces, without calling it congestion.
  for (u32 i = 0; i < flight_->size(); ++i)
    if ((*flight_)[i].length() > mss_now()) mark_lost(i);
  recover_.force_retransmit = true;
  restart_retransmit_timer(now);
}

void Connection::on_icmp(const wire::IcmpError& error, u32 sequence, Instant now) {
  // RFC 5927 §4.1: only an error about something in flight can be true.
  if (state_ == State::closed || seq_lt(sequence, snd_.una) || seq_ge(sequence, snd_.nxt)) return;
  switch (error.problem) {
    case wire::IcmpProblem::packet_too_big:
      if (error.mtu < mtu_) set_path_mtu(error.mtu, now);
      return;
    case wire::IcmpProblem::port_unreachable:
    case wire::IcmpProblem::protocol_unreachable:
    case wire::IcmpProblem::host_unreachable:
    case wire::IcmpProblem::net_unreachable:
    case wire::IcmpProblem::prohibited:
      // RFC 9293 MUST-56 and RFC 5927 §5.2: soft for a connection that works already.
      if (state_ == State::syn_sent || is_early()) {
        const bool nobody = error.problem == wire::IcmpProblem::port_unreachable ||
                            error.problem == wire::IcmpProblem::protocol_unreachable;
        end(nobody ? Errc::refused : Errc::unreachable, now,
            {"ICMP type {} code {}", error.type, error.code});
      }
      return;
    case wire::IcmpProblem::time_exceeded:
    case wire::IcmpProblem::parameter_problem: return;
  }
}

Remembered Connection::remembered() const {
  return {snd_.nxt,
          rcv_.nxt,
          timestamp_recent_,
          timestamp_offset_,
          to<u16>(std::min<u32>(window_advertised() >> receive_scale_, 65535)),
          timestamps_};
}

}  // namespace handfast::tcp
