// The life of a TCB: how it is made, how its state moves, how it ends (RFC 9293 §3.3).
#include "tcp/connection.hpp"

#include <algorithm>

#include "tcp/edges.hpp"

namespace handfast::tcp {

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
  for (const Event event :
       {Event::connected, Event::urgent, Event::readable, Event::writable, Event::peer_closed,
        Event::flushed, Event::heartbeat, Event::unanswered, Event::soft_error, Event::closed}) {
    if ((events_ & bit(event)) == 0) continue;
    events_ = to<u16>(events_ & ~bit(event));
    return event;
  }
  return std::nullopt;
}

u32 Tcb::text_max_beside_blocks() const {
  const u32 reported = (ranges_ == nullptr ? 0 : ranges_->size()) + (duplicate_to_report_ ? 1 : 0);
  if (!sack_ || reported == 0) return mss_now();
  const u32 blocks = std::min<u32>(reported, timestamps_ ? 3 : 4);
  const u32 options = 4 + 8 * blocks;
  return mss_now() > options ? mss_now() - options : 1;
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
        return;
      }
      break;
    case wire::IcmpProblem::time_exceeded:
    case wire::IcmpProblem::parameter_problem: break;
  }
  // RFC 9293 MUST-47: the application may hear of it, and it may explain a time-out.
  traffic().soft_error = error.problem;
  tell(Event::soft_error);
}

Remembered Connection::remembered() const {
  return {snd_.nxt, rcv_.nxt, timestamp_recent_,
          to<u16>(std::min<u32>(window_advertised() >> receive_scale_, 65535)), timestamps_};
}

}  // namespace handfast::tcp
