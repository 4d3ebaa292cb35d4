// RFC 9293 §3.8: what is sent next, and why: resets, repairs, new data within both windows, and
// acknowledgments. Nagle and silly-window avoidance are §3.7.4 and §3.8.6.2.1.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

// Each way out fills the one answer where it is returned: a segment is too large to be copied.
std::optional<Transmit> Connection::poll_transmit(u32 payload_max, Instant now) {
  Out out;
  if (reset_now_) {
    transmit_reset(out, now);
    return out;
  }
  switch (state_) {
    case State::closed:
    case State::listen: return out;
    case State::time_wait:
      if (ack_now_) transmit_empty(out, snd_.nxt, {}, now);
      return out;
    case State::syn_sent:
      if (snd_.nxt == snd_.iss) {
        transmit_first_syn(out, now);
      } else if (recover_.lost_bytes != 0 && flight_ != nullptr) {
        transmit_lost(out, payload_max, now);
      }
      return out;
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait:
    case State::closing:
    case State::last_ack: break;
  }
  // As Linux does: the peer's application learns of the connection before data can be lost.
  if (open_ack_) {
    transmit_empty(out, snd_.nxt, {}, now);
    return out;
  }
  if (recover_.probe_now && transmit_tail_probe(out, now)) return out;
  if (recover_.lost_bytes != 0 && flight_ != nullptr && transmit_lost(out, payload_max, now))
    return out;
  if (has_unsent() && (state_ != State::syn_received || is_early()) &&
      transmit_new(out, payload_max, now))
    return out;
  if (probe_now_) {
    // One below what is acknowledged: surely outside the window, so surely answered.
    probe_now_ = false;
    transmit_empty(out, snd_.una - 1, {"probe {}", probes_}, now);
  } else if (ack_now_) {
    const bool update = window_update_;
    if (update) ++context_.counters.window_updates;
    transmit_empty(out, snd_.nxt, update ? trace::Why{"window update"} : trace::Why{}, now);
  } else {
    watch_window(now);
  }
  return out;
}

void Connection::transmit_reset(Out& out, Instant now) {
  reset_now_ = false;
  ++context_.counters.resets_out;
  wire::TcpHeader& h = out.emplace().header;
  h.source_port = flow_.local.port;
  h.destination_port = flow_.remote.port;
  h.sequence = reset_sequence_;
  h.acknowledgment = reset_with_ack_ ? rcv_.nxt : 0;
  h.flags = to<u16>(TcpFlags::rst | (reset_with_ack_ ? TcpFlags::ack : 0));
  // RFC 7323 §3.2: on a reset "SHOULD" be.
  if (timestamps_ && reset_with_ack_)
    h.options.timestamps = {timestamp_now(now), timestamp_recent_};
  reset_with_ack_ = false;
  note_sent(*out, {"reset"}, now);
}

bool Connection::transmit_lost(Out& out, u32 payload_max, Instant now) {
  if (is_paced() && !recover_.force_retransmit && !may_send_now(now)) return false;
  // RFC 5682: after a time-out the first segment only, until the answer tells what was lost.
  if (recover_.frto_step != 0 && !recover_.force_retransmit) return false;
  u32 i = 0;
  while (!(*flight_)[i].lost) ++i;
  // Until the handshake is over only the SYN is repeated, and nothing with it (RFC 7413 §4.2.1).
  if (!is_synchronized(state_) && (*flight_)[i].start != snd_.iss) return false;
  const u32 mss = text_max();
  u32 limit = burst_max(payload_max);
  const u32 pipe = in_flight();
  const u32 window = control_.window();
  const u32 room = window > pipe ? window - pipe : 0;
  if (!recover_.force_retransmit && pipe > 0 && room < std::min(mss, (*flight_)[i].length()))
    return false;
  limit = std::min(limit, std::max(mss, room / mss * mss));
  // Beyond a window that was taken back only the first segment goes, as its probe.
  if ((*flight_)[i].start != snd_.una && seq_ge((*flight_)[i].start, snd_.una + snd_.wnd) &&
      snd_.wnd != 0)
    return false;
  if ((*flight_)[i].length() > limit) flight_->split(i, (*flight_)[i].start + limit);
  Sent& record = (*flight_)[i];
  if (traffic_ != nullptr) traffic_->rate.on_sent(record, false, now);
  recover_.force_retransmit = false;
  record.lost = false;
  recover_.lost_bytes -= record.length();
  record.at = now;
  if (record.transmissions < 0xffff) ++record.transmissions;
  recover_.prr_out += record.length();
  recover_.retransmitted_bytes += record.length();
  if (recover_.first_stamp == 0) {
    recover_.first_stamp = std::max(timestamp_now(now), 1u);
    recover_.first_end = record.end;
  }
  count_retransmitted(record.length());
  // The repair of what SND.UNA waits for takes a round trip of its own: only then is it late.
  if (!is_armed(Timer::retransmit) || record.start == snd_.una) restart_retransmit_timer(now);
  const bool by_timer = recover_.phase != LossRecovery::Phase::fast;
  const u64 times = record.transmissions - 1u;
  transmit_range(out, record.start, record.end,
                 by_timer ? trace::Why{"retransmission {}, time-out", times}
                          : trace::Why{"retransmission {}, fast", times},
                 now);
  return true;
}

bool Connection::transmit_new(Out& out, u32 payload_max, Instant now) {
  const bool fin_wanted = fin_queued_ && !fin_sent_;
  if (fin_sent_ || !(may_send(state_) || is_early() || fin_wanted)) return false;
  const u32 unsent = data_start() + send_ring_.size() - snd_.nxt;
  if (is_paced() && !may_send_now(now)) return false;
  restart_after_idle(now);
  if (transmit_mtu_probe(out, unsent, now)) return true;
  const u32 mss = text_max();
  const u32 of_record = record_left(unsent);
  const bool pushed = push_now_;
  push_now_ = pushed || of_record < unsent;  // no more will come to fill its last segment
  const u32 length = sendable(of_record, of_record <= mss ? mss : burst_max(payload_max), now);
  push_now_ = pushed;
  const bool with_fin = fin_wanted && length == unsent && window_room() > length;
  if (length == 0 && !with_fin) return false;
  const u32 start = snd_.nxt;
  if (length % mss != 0) snd_.small_end = start + length;
  context_.counters.bytes_out += length;
  fin_sent_ = with_fin;
  record_sent(start, start + length + (with_fin ? 1 : 0), now);
  recover_.prr_out += length;
  text_sent_at_ = now;
  if (length > 0) {
    traffic().acks.on_text_sent(now);
    note_window_use(in_flight() + mss > control_.window(), now);
  }
  transmit_range(out, start, snd_.nxt, {}, now);
  return true;
}

// How much of what is unsent comes before the next border that end_record() drew.
u32 Connection::record_left(u32 unsent) {
  if (traffic_ == nullptr || traffic_->record_ends.empty()) return unsent;
  std::vector<u32>& ends = traffic_->record_ends;
  std::erase_if(ends, [this](u32 end) { return seq_le(end, snd_.una); });
  for (const u32 end : ends)
    if (seq_gt(end, snd_.nxt)) return std::min(unsent, end - snd_.nxt);
  return unsent;
}

bool Tcb::is_record_end(u32 sequence) const {
  return traffic_ != nullptr && std::ranges::count(traffic_->record_ends, sequence) > 0;
}

u32 Tcb::window_room() const {
  const u32 edge = snd_.una + snd_.wnd;
  return seq_gt(edge, snd_.nxt) ? edge - snd_.nxt : 0;
}

u32 Connection::sendable(u32 unsent, u32 burst, Instant now) {
  const u32 mss = text_max();
  u32 length = std::min(unsent, burst);
  const u32 pipe = in_flight();
  u32 room = control_.window() > pipe ? control_.window() - pipe : 0;
  if (pipe == 0) room = std::max(room, mss);
  if (length > room) {
    if (traffic_ != nullptr) note_window_use(true, now);
    length = room / mss * mss;
  }
  const u32 window = window_room();
  if (length > window) length = window >= mss ? window / mss * mss : window;
  const u32 part = length % mss;
  if (part != 0 && !may_send_part(part, unsent - (length - part))) length -= part;
  return length;
}

bool Tcb::may_send_part(u32 length, u32 unsent) const {
  // RFC 9293 §3.8.6.2.1: a part segment goes if it is all there is and Nagle has no objection, or
  // if it is half of the largest window ever offered, or if the override timer (here: the persist
  // timer) has run out.
  if (probe_now_) return true;
  if (length < unsent) return length >= snd_.wnd_max / 2;
  if (fin_queued_ || push_now_ || is_urgent()) return true;
  if (settings().cork || more_held_) return false;
  // Nagle's rule in Minshall's form: at most one part segment in flight.
  return settings().no_delay || seq_le(snd_.small_end, snd_.una);
}

void Connection::transmit_range(Out& out, u32 start, u32 end, trace::Why why, Instant now) {
  Transmit& made = out.emplace();
  if (start == snd_.iss) {
    const u16 flags =
        to<u16>(state_ == State::syn_sent ? TcpFlags::syn : TcpFlags::syn | TcpFlags::ack);
    fill_syn(made.header, flags, now);
    return note_sent(made, why, now);
  }
  const u32 data_end = fin_acked_ ? start : fin_sequence();
  const u32 segment_max = text_max();  // before the header takes what is to be reported
  const bool fin = fin_sent_ && seq_gt(end, data_end);
  const u32 text_end = fin ? data_end : end;
  u16 flags = TcpFlags::ack;
  if (fin) flags |= TcpFlags::fin;
  // At the end of what was written, of a record, and of a super-segment, as Linux has it.
  const u32 length = text_end - start;
  if (length > segment_max ||
      (length > 0 && ((text_end == data_end && !more_coming_) || is_record_end(text_end))))
    flags |= TcpFlags::psh;
  fill_header(made.header, start, flags, now);
  const bool fresh = length > 0 && end == snd_.nxt && flight_->back().transmissions == 1;
  made.ecn = mark_outgoing(made.header, fresh);
  if (is_urgent()) point_to_urgent(made.header);
  if (length > 0) {
    made.payload = send_ring_.view(start - data_start(), length);
    if (length > segment_max) made.segment_size = to<u16>(segment_max);
    probe_now_ = false;
    traffic().bytes_sent += length;
    traffic_->data_segments_out += segments_of(length);
    pace(length, now);
  }
  note_sent(made, why, now);
}

void Connection::count_retransmitted(u32 length) {
  const u32 count = segments_of(length);
  context_.counters.segments_retransmitted += count;
  if (traffic_ == nullptr) return;
  traffic_->retransmissions += count;
  traffic_->bytes_retransmitted += length;
}

void Connection::transmit_empty(Out& out, u32 sequence, trace::Why why, Instant now) {
  Transmit& made = out.emplace();
  fill_header(made.header, sequence, TcpFlags::ack, now);
  made.ecn = mark_outgoing(made.header, false);
  if (is_urgent()) point_to_urgent(made.header);
  note_sent(made, why, now);
}

void Connection::note_sent(const Transmit& out, trace::Why why, Instant now) {
  ++context_.counters.segments_out;
  if (traffic_ != nullptr)
    traffic_->segments_out += out.segment_size == 0 ? 1 : segments_of(out.payload_length());
  if (context_.sink != nullptr)
    context_.sink->on(now, trace::SegmentSent{flow_, out.header, out.payload_length(), why});
}

void Connection::fill_header(wire::TcpHeader& h, u32 sequence, u16 flags, Instant now) {
  h.source_port = flow_.local.port;
  h.destination_port = flow_.remote.port;
  h.sequence = sequence;
  h.acknowledgment = rcv_.nxt;
  h.flags = flags;
  h.window = to<u16>(std::min<u32>(window_to_advertise() >> receive_scale_, 65535));
  if (timestamps_) h.options.timestamps = {timestamp_now(now), timestamp_recent_};
  if (tell_user_timeout_) {
    h.options.user_timeout = user_timeout_to_tell(settings());
    tell_user_timeout_ = false;
  }
  if (sack_) add_sack_blocks(h.options);
  // Whatever goes out acknowledges.
  if (traffic_ != nullptr)
    traffic_->acks.on_ack_sent(rcv_.nxt != rcv_.last_ack_sent, context_.config.delayed_ack);
  ack_now_ = false;
  open_ack_ = false;
  window_update_ = false;
  rcv_.last_ack_sent = rcv_.nxt;
  stop_timer(Timer::delayed_ack);
}

void Connection::add_sack_blocks(wire::TcpOptions& options) {
  std::span<wire::SackBlock> room = std::span(options.sack).first(timestamps_ ? 3 : 4);
  if (duplicate_to_report_) {
    // RFC 2883 §4: the first block reports the duplicate.
    options.sack[0] = duplicate_;
    options.sack_count = 1;
    room = room.subspan(1);
    duplicate_to_report_ = false;
    ++context_.counters.duplicates_told;
  }
  if (ranges_ != nullptr) options.sack_count += ranges_->sack_blocks(room);
}

void Connection::fill_syn(wire::TcpHeader& h, u16 flags, Instant now) {
  const Config& config = context_.config;
  const Settings& own = settings();
  const bool answer = (flags & TcpFlags::ack) != 0;
  h.source_port = flow_.local.port;
  h.destination_port = flow_.remote.port;
  h.sequence = snd_.iss;
  h.flags = to<u16>(flags | (answer ? 0 : ecn_offer(own, retries_)));
  h.window = to<u16>(std::min<u32>(rcv_.limit, 65535));
  h.options.mss = to<u16>(mss_for(mtu_));
  h.options.style = config.option_style;
  h.options.sack_permitted = answer ? sack_ : own.sack;
  if (answer ? timestamps_ : own.timestamps)
    h.options.timestamps = {timestamp_now(now), answer ? timestamp_recent_ : 0};
  if (const u16 tell = user_timeout_to_tell(own); tell != 0) h.options.user_timeout = tell;
  if (answer ? scaling_ : own.window_scaling) h.options.window_scale = window_scale_for(config);
  if (answer) {
    h.acknowledgment = rcv_.nxt;
    rcv_.last_ack_sent = rcv_.nxt;
    ack_now_ = false;
  }
}

u32 Tcb::timestamp_now(Instant now) const {
  return to<u32>(now.time_since_epoch() / 1ms) + timestamp_offset_;
}

void Connection::record_sent(u32 start, u32 end, Instant now) {
  if (flight_ == nullptr) flight_ = context_.flights.take();
  const bool idle = flight_->empty();
  flight_->records.push_back({start, end, now});
  if (traffic_ != nullptr) traffic_->rate.on_sent(flight_->back(), idle, now);
  snd_.nxt = end;
  if (!is_armed(Timer::retransmit)) restart_retransmit_timer(now);
}

void Connection::watch_window(Instant now) {
  note_wait(now);
  // RFC 9293 §3.8.6.1: something to send, nothing in flight. What keeps it here is the window, or
  // a cork, which gives way after the same time.
  const bool waiting =
      snd_.nxt == snd_.una && state_ != State::syn_received &&
      (data_start() + send_ring_.size() != snd_.nxt || (fin_queued_ && !fin_sent_));
  // Where nothing is in flight no acknowledgment will tell that there is room again.
  const bool starving = wants_room_ && send_ring_.empty() && snd_.nxt == snd_.una;
  if (starving) {
    if (!is_armed(Timer::persist)) set_timer(Timer::persist, now + 500ms);
  } else if (!waiting || (is_paced() && window_room() > 0 && !may_send_now(now))) {
    stop_timer(Timer::persist);
  } else if (!is_armed(Timer::persist)) {
    set_timer(Timer::persist, now + persist_interval());
  }
}

}  // namespace handfast::tcp
