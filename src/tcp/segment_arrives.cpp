// RFC 9293 §3.10.7: SEGMENT ARRIVES. CLOSED and LISTEN are the host's and the half-open entries';
// here are SYN-SENT (§3.10.7.3) and the eight steps of all other states (§3.10.7.4), in order.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::Drop;
using wire::TcpFlags;

void Connection::on_segment(const wire::TcpSegment& segment, u8 ecn, Instant now) {
  if (on_predicted(segment, nullptr, ecn, now) == Predicted::taken) return;
  note_received(segment, now);
  switch (state_) {
    case State::closed:
    case State::listen:
    case State::time_wait: drop(Drop::connection_closed, now); return;
    case State::syn_sent: arrives_in_syn_sent(segment, ecn, now); return;
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait:
    case State::closing:
    case State::last_ack: arrives_synchronized(segment, ecn, now); return;
  }
}

void Connection::note_received(const wire::TcpSegment& segment, Instant now) {
  const u32 length = to<u32>(segment.payload.size());
  ++context_.counters.segments_in;
  if (context_.sink != nullptr)
    context_.sink->on(now, trace::SegmentReceived{flow_, segment.header, length});
  if (length == 0) {
    if (traffic_ != nullptr) ++traffic_->segments_in;
    return;
  }
  Traffic& t = traffic();
  const u32 count = packets_in(length);
  t.segments_in += count;
  t.data_segments_in += count;
  t.data_received_at = now;
}

// Of a received segment with so much text: a super-segment is many.
u32 Tcb::packets_in(u32 length) const {
  if (length <= mtu_ || traffic_ == nullptr) return 1;
  const u32 unit = std::max<u32>(traffic_->acks.mss(), 1);
  return (length + unit - 1) / unit;
}

void Connection::drop(Drop reason, Instant now) {
  ++context_.counters.drops[to<u8>(reason)];
  if (context_.sink != nullptr) context_.sink->on(now, trace::PacketDropped{reason, {}});
}

// §3.10.7.3, SYN-SENT.
void Connection::arrives_in_syn_sent(const wire::TcpSegment& segment, u8 ecn, Instant now) {
  const wire::TcpHeader& h = segment.header;
  const bool has_ack = h.has(TcpFlags::ack);
  const bool has_rst = h.has(TcpFlags::rst);
  // First: "If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset". An echo of what our SYN never
  // said answers another SYN as well: RFC 7323 lets it be, Linux does not.
  const bool beyond = seq_le(h.acknowledgment, snd_.iss) || seq_gt(h.acknowledgment, snd_.nxt);
  if (has_ack && (beyond || (!has_rst && !echoes_syn(h, now)))) {
    if (!has_rst) {
      reset_now_ = true;
      reset_sequence_ = h.acknowledgment;
    }
    drop(Drop::bad_ack, now);
    return;
  }
  // Second: RST counts only with an acceptable ACK.
  if (has_rst) {
    if (has_ack) {
      end(Errc::refused, now, {"RST in answer to SYN"});
    } else {
      drop(Drop::bad_rst, now);
    }
    return;
  }
  // Fourth. (Third, security, is the IP option that nobody uses.)
  if (!h.has(TcpFlags::syn)) {
    drop(Drop::no_ack, now);
    return;
  }
  rcv_.irs = h.sequence;
  rcv_.nxt = rcv_.irs + 1;
  rcv_.right_edge = rcv_.nxt + std::min<u32>(rcv_.limit, 65535);
  rcv_.last_ack_sent = rcv_.nxt;
  received_at_ = now;
  take_syn_options(h);
  timestamp_recent_at_ = now;
  snd_.wnd = h.window;  // RFC 7323 §2.2: the window of a SYN is never scaled
  snd_.wnd_max = std::max(snd_.wnd_max, snd_.wnd);
  snd_.wl1 = h.sequence;
  snd_.wl2 = has_ack ? h.acknowledgment : snd_.iss;
  if (!has_ack) {
    enter(State::syn_received, now, {"SYN crossed ours: simultaneous open"});
    // "form a SYN,ACK segment <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>": our SYN once more, with ACK.
    if (flight_ != nullptr && !flight_->empty()) mark_lost(0);
    recover_.force_retransmit = true;
    return;
  }
  take_ecn_answer(h, ecn);
  Progress progress;
  const bool repeated = flight_ != nullptr && (*flight_)[0].transmissions > 1;
  acknowledge(h.acknowledgment, h, progress, now);
  recover_.phase = LossRecovery::Phase::none;
  restart_retransmit_timer(now);
  enter(State::established, now, {"SYN,ACK accepted"});
  ack_now_ = true;
  open_ack_ = true;
  note_early_answer(h, repeated, now);
  if (segment.payload.empty() && !h.has(TcpFlags::fin)) return;
  wire::TcpSegment rest = segment;  // "If there are other controls or text … continue at step 6"
  ++rest.header.sequence;
  seventh_process_text(rest, now);
  eighth_check_fin(rest, now);
}

bool Tcb::echoes_syn(const wire::TcpHeader& h, Instant now) const {
  if (!h.options.timestamps || h.options.timestamps->echo_reply == 0) return true;
  if (!settings().timestamps || flight_ == nullptr || flight_->empty()) return true;
  const u32 echo = h.options.timestamps->echo_reply;
  const Instant first = retries_ > 0 ? recover_.unanswered_since : (*flight_)[0].at;
  return seq_ge(echo, timestamp_now(first)) && seq_le(echo, timestamp_now(now));
}

// §3.10.7.4, all other states.
void Connection::arrives_synchronized(const wire::TcpSegment& segment, u8 ecn, Instant now) {
  // In a simultaneous open the peer's SYN,ACK repeats the SYN that we have: its ACK counts.
  if (state_ == State::syn_received && segment.header.has(TcpFlags::syn) &&
      segment.header.has(TcpFlags::ack) && segment.header.sequence == rcv_.irs) {
    wire::TcpSegment rest = segment;
    rest.header.flags = to<u16>(segment.header.flags & ~TcpFlags::syn);
    ++rest.header.sequence;
    if (sack_) report_duplicate(rcv_.irs, rcv_.irs + 1);
    ack_now_ = true;
    return arrives_synchronized(rest, ecn, now);
  }
  if (is_early() && segment.header.has(TcpFlags::syn) && !segment.header.has(TcpFlags::ack) &&
      segment.header.sequence == rcv_.irs && !segment.header.has(TcpFlags::rst)) {
    mark_lost(0);  // the SYN came again: so does its answer
    recover_.force_retransmit = true;
    return;
  }
  if (!first_check_sequence_number(segment, now)) return;
  if (window_advertised() == 0 && (!segment.payload.empty() || segment.header.has(TcpFlags::fin))) {
    // "If the RCV.WND is zero … special allowance should be made to accept valid ACKs, URGs, and
    // RSTs": the text stays out, and the peer hears that.
    wire::TcpSegment rest = segment;
    rest.payload = {};
    rest.header.flags = to<u16>(segment.header.flags & ~TcpFlags::fin);
    ack_now_ = true;
    return arrives_synchronized(rest, ecn, now);
  }
  if (!second_check_rst(segment, now)) return;
  // Third: security and compartment; the IP option is not implemented.
  if (!fourth_check_syn(segment, now)) return;
  note_alive(now);
  if (!fifth_check_ack(segment, now)) return;
  // After the fifth check and not with the first, where RFC 7323 §5.3 R3 has it: else a forged
  // segment with a timestamp from the future would make us refuse all true ones (PAWS).
  note_timestamp(segment, now);
  take_user_timeout(segment.header.options);
  more_held_ = false;  // what was held for more to come follows Nagle's rule from now on
  note_mark(segment, ecn, now);
  sixth_check_urg(segment);
  seventh_process_text(segment, now);
  settle_urgent();
  eighth_check_fin(segment, now);
  // Fifth, FIN-WAIT-1: "if the FIN segment is now acknowledged, then enter FIN-WAIT-2". It stands
  // here so that a FIN in the same segment takes the figure's direct arrow to TIME-WAIT.
  if (state_ == State::fin_wait_1 && fin_acked_)
    enter(State::fin_wait_2, now, {"our FIN is acknowledged"});
}

void Connection::note_alive(Instant now) {
  received_at_ = now;
  probes_ = 0;
  if (settings().keepalive || settings().heartbeat > 0ns) restart_keepalive(now);
}

void Connection::take_user_timeout(const wire::TcpOptions& options) {
  if (options.user_timeout && settings().user_timeout_option)
    traffic().user_timeout_peer = *options.user_timeout;
}

bool Connection::survives_paws(const wire::TcpSegment& segment) const {
  if (!timestamps_ || !segment.header.options.timestamps) return true;
  // RFC 7323 §5.3 R1; §5.5: after 24 days TS.Recent is too old to judge by.
  const u32 value = segment.header.options.timestamps->value;
  return seq_ge(value, timestamp_recent_);
}

bool Connection::first_check_sequence_number(const wire::TcpSegment& segment, Instant now) {
  const wire::TcpHeader& h = segment.header;
  const u32 length = segment.sequence_length();
  const u32 window = window_advertised();
  const bool starts_inside = seq_le(rcv_.nxt, h.sequence) && seq_lt(h.sequence, rcv_.nxt + window);
  const u32 last = h.sequence + length - 1;
  const bool ends_inside = length > 0 && seq_le(rcv_.nxt, last) && seq_lt(last, rcv_.nxt + window);
  const bool at_next = h.sequence == rcv_.nxt;
  const bool acceptable = length == 0 ? (at_next || starts_inside)
                          : window == 0
                              ? at_next
                              : (starts_inside || ends_inside ||
                                 (seq_le(h.sequence, rcv_.nxt) && seq_gt(last, rcv_.nxt)));
  const bool old_timestamp = !survives_paws(segment) && now - timestamp_recent_at_ < 24h * 24;
  if (acceptable && (!old_timestamp || h.has(TcpFlags::rst))) return true;
  if (old_timestamp) ++context_.counters.paws_rejected;
  if (!acceptable && length > 0 && seq_le(h.sequence + length, rcv_.nxt))
    ++context_.counters.duplicates;
  if (!segment.payload.empty() && seq_lt(h.sequence, rcv_.nxt)) hurry_acks(16, now);
  if (!segment.payload.empty() && seq_lt(h.sequence, rcv_.nxt) && !old_timestamp)
    report_duplicate(h.sequence, seq_min(h.sequence + to<u32>(segment.payload.size()), rcv_.nxt));
  // "send an acknowledgment in reply (unless the RST bit is set)". One without text could be part
  // of a loop of such answers, so it counts against the limit of RFC 5961 §7.
  if (!h.has(TcpFlags::rst) && (!segment.payload.empty() || h.has(TcpFlags::fin) ||
                                h.has(TcpFlags::syn) || may_challenge(now)))
    ack_now_ = true;
  drop(old_timestamp ? Drop::old_timestamp : Drop::outside_window, now);
  return false;
}

void Connection::note_timestamp(const wire::TcpSegment& segment, Instant now) {
  if (!timestamps_ || !segment.header.options.timestamps) return;
  // RFC 7323 §4.3 (2): "SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent".
  const u32 value = segment.header.options.timestamps->value;
  const bool too_old_to_judge = now - timestamp_recent_at_ >= 24h * 24;
  if (seq_gt(segment.header.sequence, rcv_.last_ack_sent)) return;
  if (seq_lt(value, timestamp_recent_) && !too_old_to_judge) return;
  timestamp_recent_ = value;
  timestamp_recent_at_ = now;
}

bool Connection::second_check_rst(const wire::TcpSegment& segment, Instant now) {
  const wire::TcpHeader& h = segment.header;
  if (!h.has(TcpFlags::rst)) return true;
  // RFC 5961 §3.2: only the exact next sequence number resets; elsewhere in the window the peer
  // is asked to prove that it meant it.
  if (h.sequence != rcv_.nxt) {
    if (may_challenge(now)) ack_now_ = true;
    drop(Drop::bad_rst, now);
    return false;
  }
  const bool refused = state_ == State::syn_received && !is_early();
  end(refused ? Errc::refused : Errc::reset, now, {"RST from the peer"});
  return false;
}

bool Connection::fourth_check_syn(const wire::TcpSegment& segment, Instant now) {
  if (!segment.header.has(TcpFlags::syn)) return true;
  // RFC 5961 §4.2: "TCP endpoints MUST send a challenge ACK" and drop it.
  if (may_challenge(now)) ack_now_ = true;
  drop(Drop::unexpected_syn, now);
  return false;
}

bool Connection::fifth_check_ack(const wire::TcpSegment& segment, Instant now) {
  const wire::TcpHeader& h = segment.header;
  if (!h.has(TcpFlags::ack)) {
    drop(Drop::no_ack, now);
    return false;
  }
  if (state_ == State::syn_received) {
    // "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state", else a reset.
    if (seq_le(h.acknowledgment, snd_.una) || seq_gt(h.acknowledgment, snd_.nxt)) {
      reset_now_ = true;
      reset_sequence_ = h.acknowledgment;
      drop(Drop::bad_ack, now);
      return false;
    }
    snd_.wnd = u32{h.window} << send_scale_;
    snd_.wnd_max = std::max(snd_.wnd_max, snd_.wnd);
    snd_.wl1 = h.sequence;
    snd_.wl2 = h.acknowledgment;
    if (accurate_.is_on() && !accurate_.take_third(h.flags)) ecn_ = false;
    enter(State::established, now, {"our SYN is acknowledged"});
  }
  // RFC 5961 §5.2: "(SND.UNA - MAX.SND.WND) <= SEG.ACK <= SND.NXT", all else is challenged.
  if (seq_gt(h.acknowledgment, snd_.nxt) ||
      seq_lt(h.acknowledgment, snd_.una - std::max<u32>(snd_.wnd_max, 65535))) {
    if (may_challenge(now)) ack_now_ = true;
    drop(Drop::bad_ack, now);
    return false;
  }
  if (traffic_ != nullptr) traffic_->ack_received_at = now;
  process_ack(segment, now);
  return state_ != State::closed;
}

void Connection::seventh_process_text(const wire::TcpSegment& segment, Instant now) {
  if (segment.payload.empty()) return;
  if (!may_receive(state_)) return;  // "This should not occur since a FIN has been received"
  if (released_) {
    // RFC 1122 §4.2.2.13: the application is gone, so the peer must hear that its data is lost. It
    // takes no reset but at what it waits for (RFC 5961 §3.2), which is what it acknowledges.
    reset_now_ = true;
    reset_sequence_ = segment.header.acknowledgment;
    drop(Drop::data_after_close, now);
    ++context_.counters.aborts_on_data;
    end(Errc::aborted, now, {"data came after the application let go"});
    return;
  }
  Bytes text = segment.payload;
  u32 sequence = segment.header.sequence;
  if (seq_lt(sequence, rcv_.nxt)) {
    const u32 old = std::min<u32>(rcv_.nxt - sequence, to<u32>(text.size()));
    report_duplicate(sequence, sequence + old);
    hurry_acks(16, now);
    text = text.subspan(old);
    sequence += old;
  }
  if (seq_gt(sequence + to<u32>(text.size()), rcv_.right_edge))
    text = text.first(seq_lt(sequence, rcv_.right_edge) ? rcv_.right_edge - sequence : 0);
  if (text.empty()) return;
  if (sequence == rcv_.nxt) {
    take_in_order(text, segment.header.has(TcpFlags::psh), now);
  } else {
    keep_out_of_order(sequence, text, now);
  }
}

void Connection::eighth_check_fin(const wire::TcpSegment& segment, Instant now) {
  if (state_ == State::closed) return;
  if (segment.header.has(TcpFlags::fin)) {
    ack_now_ = true;
    if (peer_fin_received_) return;  // it did not hear our acknowledgment
    rcv_.fin = segment.header.sequence + to<u32>(segment.payload.size());
    fin_seen_ = true;
  }
  // Where text before it is missing, the FIN counts when that has come.
  if (!fin_seen_ || peer_fin_received_ || rcv_.fin != rcv_.nxt) return;
  if (seq_gt(rcv_.fin, rcv_.right_edge)) return;
  ++rcv_.nxt;
  rcv_.right_edge = seq_max(rcv_.right_edge, rcv_.nxt);
  peer_fin_received_ = true;
  ack_now_ = true;
  tell(Event::peer_closed);
  switch (state_) {
    case State::established: enter(State::close_wait, now, {"FIN from the peer"}); return;
    case State::fin_wait_1:
      // "If our FIN has been ACKed (perhaps in this segment), then enter TIME-WAIT".
      if (fin_acked_) {
        enter(State::time_wait, now, {"FIN from the peer with the ACK of ours"});
      } else {
        enter(State::closing, now, {"FIN crossed ours: simultaneous close"});
      }
      return;
    case State::fin_wait_2: enter(State::time_wait, now, {"FIN from the peer"}); return;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::close_wait:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return;
  }
}

void Connection::take_syn_options(const wire::TcpHeader& syn) {
  const Settings& own = settings();
  const wire::TcpOptions& o = syn.options;
  // RFC 9293 §3.7.1; a peer that names less than anybody can mean gets 64.
  if (o.mss) peer_mss_ = std::max<u16>(*o.mss, 64);
  if (o.window_scale && own.window_scaling) {
    send_scale_ = std::min<u8>(*o.window_scale, 14) & 15;  // RFC 7323 §2.3
    receive_scale_ = window_scale_for(context_.config) & 15;
    scaling_ = true;
  }
  timestamps_ = o.timestamps.has_value() && own.timestamps;
  if (timestamps_) timestamp_recent_ = o.timestamps->value;
  settle_mss();
  sack_ = o.sack_permitted && own.sack;
  // RFC 5482 §3.2: on a SYN it may be lost, so the first segment after it tells it again. A
  // half-open record does not keep it: what such a SYN asked for comes again, too.
  take_user_timeout(o);
  tell_user_timeout_ = user_timeout_to_tell(own) != 0;
  control_ = CongestionControl(own.congestion, mss_now(), context_.config.initial_window_segments);
}

}  // namespace handfast::tcp
