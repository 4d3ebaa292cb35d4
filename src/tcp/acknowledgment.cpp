// RFC 9293 §3.10.7.4, fifth check in the ESTABLISHED state: what an acknowledgment tells us about
// the send queue, the window and the round trip (RFC 6298, RFC 2018).
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

void Connection::process_ack(const wire::TcpSegment& segment, Instant now) {
  const wire::TcpHeader& h = segment.header;
  const u32 window_before = snd_.wnd;
  const u32 una_before = snd_.una;
  Progress progress;
  progress.window_limited = uses_window();
  if (seq_gt(h.acknowledgment, snd_.una)) acknowledge(h.acknowledgment, h, progress, now);
  if (sack_ && h.options.sack_count > 0) take_sack_blocks(h, progress, now);
  judge_mtu_probe(now);
  update_send_window(segment, progress.acked > 0);
  judge_episode(h, progress, now);
  // RFC 5681 §2: a duplicate ACK has no data, no SYN or FIN, the same window, and something is
  // outstanding.
  progress.duplicate = h.acknowledgment == una_before && segment.payload.empty() &&
                       !h.has(TcpFlags::fin) && snd_.wnd == window_before && flight_ != nullptr &&
                       !flight_->empty();
  progress.guessed = guessed_before(progress);
  detect_loss(progress, now);
  react_to_echo(h, una_before, progress.delivered, now);
  after_ack(progress, now);
  note_room(now);
  if (fin_acked_) fin_acknowledged(now);
}

void Tcb::note_room(Instant now) {
  if (wants_room_ && !fin_queued_) {
    const u32 limit = send_limit();
    if (send_ring_.size() + limit / 3 <= limit) {
      wants_room_ = false;
      tell(Event::writable);
    }
  }
  // A window that still is closed was told of by somebody who lives: the next probe has time.
  if (is_armed(Timer::persist)) set_timer(Timer::persist, now + persist_interval());
}

void Connection::fin_acknowledged(Instant now) {
  if (state_ == State::fin_wait_1 || state_ == State::closing || state_ == State::last_ack)
    tell(Event::flushed);
  switch (state_) {
    case State::closing: enter(State::time_wait, now, {"our FIN is acknowledged"}); return;
    case State::last_ack: end(Errc::none, now, {"our FIN is acknowledged"}); return;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:  // moved after the eighth check
    case State::fin_wait_2:
    case State::close_wait:
    case State::time_wait: return;
  }
}

void Connection::update_send_window(const wire::TcpSegment& segment, bool newer) {
  // "If (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set SND.WND".
  const wire::TcpHeader& h = segment.header;
  if (seq_lt(h.acknowledgment, snd_.una)) return;
  // What moves SND.UNA is newer as well, whatever its sequence number: the old window, counted from
  // the new SND.UNA, would reach beyond what was ever offered.
  if (!newer && !seq_lt(snd_.wl1, h.sequence) &&
      !(snd_.wl1 == h.sequence && seq_le(snd_.wl2, h.acknowledgment)))
    return;
  snd_.wnd = u32{h.window} << send_scale_;
  snd_.wnd_max = std::max(snd_.wnd_max, snd_.wnd);
  snd_.wl1 = h.sequence;
  snd_.wl2 = h.acknowledgment;
  if (snd_.wnd == 0) return;
  persist_backoff_ = 0;
}

void Connection::acknowledge(u32 ack, const wire::TcpHeader& header, Progress& progress,
                             Instant now) {
  const u32 newly = ack - snd_.una;
  const u32 fin = fin_sequence();
  const bool acks_syn = snd_.una == snd_.iss;
  fin_acked_ = fin_sent_ && ack == fin + 1;
  const u32 text = newly - (acks_syn ? 1u : 0u) - (fin_acked_ ? 1u : 0u);
  std::optional<Duration> sample;
  bool retransmitted = false;
  while (flight_ != nullptr && !flight_->empty()) {
    Sent& record = (*flight_)[0];
    if (seq_ge(record.start, ack)) break;
    const u32 part = seq_min(record.end, ack) - record.start;
    if (record.sacked) {
      recover_.sacked_bytes -= part;
    } else {
      if (record.lost) recover_.lost_bytes -= part;
      if (record.transmissions == 1) progress.original_delivered = true;
      progress.delivered += part;
      // Karn's rule (RFC 6298 §3): no sample from what was sent more than once.
      if (record.transmissions > 1) retransmitted = true;
      if (record.transmissions == 1 && !sample) sample = now - record.at;
    }
    if (seq_gt(record.end, ack)) {
      if (traffic_ != nullptr) traffic_->rate.on_part_delivered(part);
      record.start = ack;
      break;
    }
    if (!record.sacked) note_delivered(record, progress, now);
    flight_->pop_front();
  }
  if (flight_ != nullptr && flight_->empty()) context_.flights.give(std::move(flight_));
  if (traffic_ != nullptr) traffic_->bytes_acked += text;
  snd_.una = ack;
  send_ring_.consume(text);
  send_ring_.release_if_empty(context_.buffers);
  progress.acked = newly;
  if (retransmitted || !sample) sample = sample_from_echo(header, now);
  if (!sample) {
    if (acks_syn && retransmitted) rtt_.after_lost_syn();
    return;
  }
  progress.rtt = *sample;
  rtt_.on_sample(*sample, context_.config);
  if (context_.sink != nullptr)
    context_.sink->on(
        now, trace::RttMeasured{flow_, *sample, rtt_.smoothed(), rtt_.timeout(context_.config)});
}

std::optional<Duration> Connection::sample_from_echo(const wire::TcpHeader& header,
                                                     Instant now) const {
  // RFC 7323 §4.1: the echoed timestamp says which transmission was answered.
  if (!timestamps_ || !header.options.timestamps || header.options.timestamps->echo_reply == 0)
    return std::nullopt;
  const u32 elapsed = timestamp_now(now) - header.options.timestamps->echo_reply;
  if (elapsed > 600'000) return std::nullopt;  // no echo of ours
  return std::max<Duration>(std::chrono::milliseconds(elapsed), 1ms);
}

void Connection::take_sack_blocks(const wire::TcpHeader& header, Progress& progress, Instant now) {
  for (u8 b = 0; b < header.options.sack_count; ++b) {
    const wire::SackBlock block = header.options.sack[b];
    // RFC 2883 §4: a first block below SEG.ACK, or inside the second, reports a duplicate. (Below
    // SND.UNA would take ACKs that were overtaken for reports.)
    const bool duplicate = b == 0 && (seq_le(block.right, header.acknowledgment) ||
                                      (header.options.sack_count > 1 &&
                                       seq_ge(block.left, header.options.sack[1].left) &&
                                       seq_le(block.right, header.options.sack[1].right)));
    if (duplicate) {
      progress.reported_duplicate = true;
      ++context_.counters.duplicates_reported;
      if (traffic_ != nullptr) ++traffic_->duplicates_reported;
      note_duplicate_report(block);
      continue;
    }
    // What lies below SND.UNA is old news; what lies beyond SND.NXT is a lie.
    if (flight_ == nullptr || seq_le(block.left, snd_.una) || seq_ge(block.left, block.right) ||
        seq_gt(block.right, snd_.nxt))
      continue;
    for (u32 i = flight_->find(block.left); i < flight_->size(); ++i) {
      if (seq_ge((*flight_)[i].start, block.right)) break;
      if ((*flight_)[i].sacked) continue;
      if (!cut_to_block(i, block)) continue;
      Sent& record = (*flight_)[i];
      if (record.lost) {
        record.lost = false;
        recover_.lost_bytes -= record.length();
      }
      record.sacked = true;
      if (record.transmissions == 1) progress.original_delivered = true;
      recover_.sacked_bytes += record.length();
      progress.delivered += record.length();
      progress.sacked += record.length();
      note_delivered(record, progress, now);
    }
  }
}

bool Connection::cut_to_block(u32& i, const wire::SackBlock& block) {
  // Cuts only at segment borders of the record, as the peer received it: a peer that reports odd
  // bytes cannot make the queue long.
  const u32 mss = mss_now();
  Sent& record = (*flight_)[i];
  if (seq_lt(record.start, block.left)) {
    const u32 skip = (block.left - record.start + mss - 1) / mss * mss;
    if (skip >= record.length()) return false;
    const u32 at = record.start + skip;
    if (seq_ge(at, block.right)) return false;
    flight_->split(i, at);
    ++i;
  }
  Sent& rest = (*flight_)[i];
  if (seq_gt(rest.end, block.right)) {
    const u32 keep = (block.right - rest.start) / mss * mss;
    if (keep == 0 || keep >= rest.length()) return false;
    flight_->split(i, rest.start + keep);
  }
  return true;
}

}  // namespace handfast::tcp
