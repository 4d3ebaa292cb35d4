// RFC 9293 §3.10.1 to §3.10.6: what the user calls.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

void Connection::open(Instant now, State from) {
  ASSERT(state_ == State::closed);
  state_ = from;
  snd_.iss = context_.initial_sequence(flow_, now);
  snd_.una = snd_.iss;
  snd_.nxt = snd_.iss;
  snd_.small_end = snd_.iss;
  recover_.point = snd_.iss;
  recover_.highest_sacked = snd_.iss;
  ++context_.counters.active_opens;
  enter(State::syn_sent, now, {"active open"});
}

void Connection::accept(const HalfOpen& half_open, Instant now) {
  ASSERT(state_ == State::closed);
  state_ = State::syn_received;
  snd_.iss = half_open.iss_;
  snd_.una = snd_.iss;
  snd_.nxt = snd_.iss + 1;
  snd_.small_end = snd_.iss;
  recover_.point = snd_.iss;
  recover_.highest_sacked = snd_.iss;
  ecn_ = half_open.ecn_;
  if (ecn_) ++context_.counters.ecn_connections;
  if (half_open.accurate_) accurate_.start_server(half_open.syn_ecn_);
  rcv_.irs = half_open.irs_;
  rcv_.nxt = rcv_.irs + 1;
  rcv_.right_edge = rcv_.nxt + std::min<u32>(rcv_.limit, 65535);
  rcv_.last_ack_sent = rcv_.nxt;
  mtu_ = half_open.path_mtu_;  // take_syn_options() finds the MSS
  wire::TcpHeader syn;
  syn.window = half_open.window_;
  syn.sequence = half_open.irs_;
  if (half_open.mss_ != 0) syn.options.mss = half_open.mss_;
  if (half_open.scaling_) syn.options.window_scale = half_open.window_scale_;
  if (half_open.timestamps_)
    syn.options.timestamps = wire::TcpTimestamps{half_open.timestamp_recent_, 0};
  syn.options.sack_permitted = half_open.sack_;
  take_syn_options(syn);
  timestamp_recent_at_ = now;
  received_at_ = now;
  snd_.wnd = half_open.window_;
  snd_.wnd_max = snd_.wnd;
  if (!half_open.cookie_) {  // else nobody knows when the SYN,ACK left
    flight_ = context_.flights.take();
    flight_->records.push_back(
        {snd_.iss, snd_.nxt, half_open.sent_at_, to<u16>(half_open.retries_ + 1u)});
    restart_retransmit_timer(now);
  }
  ++context_.counters.passive_opens;
}

MutBytes Connection::send_space(u32 wanted) {
  if (fin_queued_ || wanted == 0) return {};
  switch (state_) {
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::close_wait: break;
    case State::closed:
    case State::listen:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return {};
  }
  const u32 limit = send_limit();
  const u32 room = limit > send_ring_.size() ? limit - send_ring_.size() : 0;
  wanted = std::min(wanted, room);
  if (wanted == 0) {
    wants_room_ = true;
    return {};
  }
  if (send_ring_.room() < wanted &&
      !send_ring_.reserve(send_ring_.size() + wanted, context_.buffers) && send_ring_.room() == 0) {
    wants_room_ = true;
    return {};
  }
  const MutBytes space = send_ring_.space();
  return space.first(std::min<std::size_t>(space.size(), wanted));
}

u32 Connection::super_segment_max() const {
  constexpr u32 packet_max = 65215;  // with all headers still a 16-bit length
  const u32 window = snd_.wnd_max > 536 ? snd_.wnd_max / 2 : std::max(snd_.wnd_max, 1u);
  const u32 mss = mss_now();
  return std::max(std::min(window, packet_max) / mss, 1u) * mss;
}

Bytes Connection::peek(u32 offset, u32 length) const {
  const u32 size = received_size();
  if (offset >= size) return {};
  return receive_ring_.view(offset, std::min(length, size - offset))[0];
}

u32 Tcb::send_limit() const {
  if (const u32 chosen = settings().send_buffer; chosen != 0)
    return std::min(chosen, context_.config.send_buffer_max);
  // Twice the congestion window keeps the path full while the application refills; twice what is
  // out where recovery has made the window small and a hole keeps what was delivered in the ring.
  const u32 used = std::max(control_.window(), snd_.nxt - snd_.una);
  const u32 wanted = std::max<u32>(2 * std::min<u32>(used, 1u << 30), 128u << 10);
  return std::min(wanted, context_.config.send_buffer_max);
}

u32 Connection::not_sent() const {
  const u32 begun = data_start();
  const u32 sent = seq_gt(snd_.nxt, begun) ? snd_.nxt - begun : 0;
  return send_ring_.size() - std::min(sent, send_ring_.size());
}

void Connection::send(u32 n, bool more) {
  if (fin_queued_) {
    ASSERT(n == 0);  // send_space() gave none
    return;
  }
  send_ring_.commit(n);
  more_coming_ = more;
  more_held_ = more;
  push_now_ = false;
}

void Connection::end_record() {
  constexpr std::size_t kept_max = 64;
  std::vector<u32>& ends = traffic().record_ends;
  if (ends.size() < kept_max) ends.push_back(data_start() + send_ring_.size());
}

void Connection::consume(u32 n, Instant now) {
  receive_ring_.consume(n);
  settle_urgent();
  tune_receive_buffer(now);
  if (ranges_ == nullptr) receive_ring_.release_if_empty(context_.buffers);
  if (!may_receive(state_)) return;
  // RFC 9293 §3.8.6.2.2 keeps small updates back; Linux tells of a window that has doubled.
  if (is_armed(Timer::delayed_ack) && n > 0 && receive_ring_.empty() &&
      traffic_->acks.is_due_after_read(rcv_.nxt - rcv_.last_ack_sent))
    ack_now_ = true;
  const u32 told = window_advertised();
  const u32 open = window_to_tell();
  if (open > told && (told < mss_now() || (told < rcv_.limit / 2 && open >= 2 * told))) {
    window_update_ = true;
    ack_now_ = true;
  }
}

void Connection::close(Instant now) {
  if (fin_queued_) return;
  switch (state_) {
    case State::syn_sent: end(Errc::aborted, now, {"CLOSE before the peer answered"}); return;
    case State::syn_received:
    case State::established:
      fin_queued_ = true;
      enter(State::fin_wait_1, now, {"CLOSE by the application"});
      return;
    case State::close_wait:
      fin_queued_ = true;
      enter(State::last_ack, now, {"CLOSE by the application"});
      return;
    case State::closed:
    case State::listen:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return;
  }
}

void Connection::release(Instant now) {
  released_ = true;
  // RFC 1122 §4.2.2.13, RFC 2525 §2.17: data that nobody will read is told to the peer by RST.
  if (!receive_ring_.empty() && state_ != State::closed && state_ != State::time_wait) {
    abort(now);
    return;
  }
  close(now);
  if (state_ == State::fin_wait_2)
    set_timer(Timer::fin_wait_2, now + std::max(settings().fin_wait_2_timeout, Duration(0)));
}

void Connection::abort(Instant now) {
  switch (state_) {
    case State::closed:
    case State::listen:
    case State::time_wait: break;
    case State::syn_sent: break;
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait:
      // RFC 9293 §3.10.5: <SEQ=SND.NXT><CTL=RST>
      reset_now_ = true;
      reset_with_ack_ = true;
      reset_sequence_ = snd_.nxt;
      break;
    case State::closing:
    case State::last_ack: break;
  }
  receive_ring_.release(context_.buffers);
  context_.ranges.give(std::move(ranges_));
  if (state_ != State::closed) ++context_.counters.aborts_by_application;
  end(Errc::aborted, now, {"ABORT by the application"});
}

void Connection::change(const Settings& wanted, Instant now) {
  const Settings before = settings();
  if (wanted != before) {
    SharedSettings* own = context_.settings_pool.take(wanted);
    context_.settings_pool.give(settings_);
    settings_ = own;
    settle_mss();
  }
  if (wanted.no_delay || (before.cork && !wanted.cork)) push_now_ = true;
  if (wanted.acknowledge != Acknowledge::automatic) {
    traffic().acks.set_interactive(wanted.acknowledge == Acknowledge::delayed);
    if (wanted.acknowledge == Acknowledge::at_once && is_armed(Timer::delayed_ack))
      ack_now_ = ack_now_ || receive_ring_.empty();
  }
  if (wanted.keepalive != before.keepalive || wanted.keepalive_idle != before.keepalive_idle ||
      wanted.heartbeat != before.heartbeat)
    restart_keepalive(now);
  rcv_.limit = std::min(rcv_.limit, receive_limit_max());
  if (wanted.congestion != before.congestion) control_.change(wanted.congestion, mss_now());
}

}  // namespace handfast::tcp
