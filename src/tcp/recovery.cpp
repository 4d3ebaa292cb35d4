// Which segments are lost, and how fast they are sent again: RFC 8985 (RACK, with SACK), RFC 6582
// (NewReno, without), RFC 6937 (proportional rate reduction).
#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using Phase = LossRecovery::Phase;

void Connection::note_delivered(const Sent& record, Progress& progress, Instant now) {
  const Duration rtt = now - record.at;
  if (traffic_ != nullptr && state_ != State::syn_sent && record.start != snd_.iss) {
    traffic_->delivered += segments_of(record.length());
    traffic_->rate.on_delivered(record, now);
  }
  // RFC 8985 §6.2 step 2: an ACK this early answers an earlier transmission.
  if (record.transmissions > 1 && rtt < rtt_.minimum()) return;
  if (record.at > recover_.rack_at ||
      (record.at == recover_.rack_at && seq_gt(record.end, recover_.rack_end))) {
    recover_.rack_at = record.at;
    recover_.rack_end = record.end;
  }
  recover_.rack_rtt = rtt;  // of the last one that arrived, not of the last one sent
  if (seq_gt(record.end, recover_.highest_sacked)) {
    recover_.highest_sacked = record.end;
  } else if (record.transmissions == 1 && seq_lt(record.end, recover_.highest_sacked)) {
    recover_.reordering_seen = true;  // step 3
    progress.overtaken_by = std::max(progress.overtaken_by, recover_.highest_sacked - record.start);
  }
}

// RFC 8985 §6.2 step 4: each round in which the peer reports a duplicate, patience grows by a step;
// it shrinks again when 16 recoveries have passed without one.
void Connection::adapt_patience(const Progress& progress) {
  // The repetition of a probe (RFC 8985 §7) says nothing about order.
  if (!progress.reported_duplicate || !recover_.reordering_seen) return;
  if (recover_.probe_out && recover_.probe_repeats) return;
  if (recover_.patience_steps > 0 && seq_lt(snd_.una, recover_.patience_round)) return;
  recover_.patience_round = snd_.nxt;
  recover_.patience_recoveries = 16;
  if (recover_.patience_steps < 255) ++recover_.patience_steps;
}

// Without SACK a duplicate ACK has told of each segment that was delivered: of what is acknowledged
// now those were counted before, but for one segment, the hole.
u32 Tcb::guessed_before(const Progress& progress) const {
  if (sack_ || progress.acked <= mss_now()) return 0;
  return std::min(recover_.sacked_bytes, progress.acked - mss_now());
}

void Connection::detect_loss(const Progress& progress, Instant now) {
  if (progress.overtaken_by > 0 && traffic_ != nullptr)
    traffic_->note_reordering(segments_of(progress.overtaken_by));
  if (sack_) adapt_patience(progress);
  if (flight_ == nullptr || flight_->empty()) {
    stop_timer(Timer::reorder);
    if (!sack_) recover_.sacked_bytes = 0;  // a guess, which nothing else takes back
    recover_.duplicate_acks = 0;
    return;
  }
  if (sack_) {
    if (recover_.sacked_bytes > 0 || recover_.phase != Phase::none) detect_loss_by_time(now);
  } else {
    detect_loss_by_duplicates(progress, now);
  }
}

void Connection::detect_loss_by_time(Instant now) {
  stop_timer(Timer::reorder);
  if (flight_ == nullptr) return;
  // RFC 8985 §6.2 step 4: no patience where three segments got past, unless order has been seen
  // to break.
  Duration patience = std::min(rtt_.minimum() / 4 * (1 + recover_.patience_steps), rtt_.smoothed());
  if (!recover_.reordering_seen &&
      (recover_.phase >= Phase::fast || recover_.sacked_bytes >= 3 * mss_now()))
    patience = 0ns;
  Duration wait = 0ns;
  bool found = false;
  for (u32 i = 0; i < flight_->size(); ++i) {
    const Sent& record = (*flight_)[i];
    if (record.sacked || record.lost) continue;
    const bool sent_before =
        record.at < recover_.rack_at ||
        (record.at == recover_.rack_at && seq_lt(record.end, recover_.rack_end));
    if (!sent_before) continue;
    const Duration remaining = (record.at + recover_.rack_rtt + patience) - now;
    if (remaining <= 0ns) {
      mark_lost(i);
      found = true;
    } else {
      wait = std::max(wait, remaining);
    }
  }
  if (wait > 0ns) set_timer(Timer::reorder, now + wait);
  if (found && recover_.phase < Phase::fast)
    enter_fast_recovery(now, {"later segments were delivered (RACK)"});
}

void Connection::detect_loss_by_duplicates(const Progress& progress, Instant now) {
  const u32 mss = mss_now();
  if (progress.acked > 0) {
    recover_.duplicate_acks = 0;
    const u32 holes = progress.acked > mss ? progress.acked - mss : 0;
    recover_.sacked_bytes -= std::min(recover_.sacked_bytes, holes);
    recover_.sacked_bytes = std::min(recover_.sacked_bytes, snd_.nxt - snd_.una);
    if (recover_.phase == Phase::none) recover_.sacked_bytes = 0;
    // RFC 6582 §3.2 step 3: a partial ACK means that the next segment is missing as well.
    if (recover_.phase == Phase::fast && seq_lt(snd_.una, recover_.point))
      mark_first_segment_lost();
    return;
  }
  if (!progress.duplicate || recover_.phase == Phase::timeout) return;
  if (recover_.duplicate_acks < 255) ++recover_.duplicate_acks;
  const u32 out = snd_.nxt - snd_.una;
  recover_.sacked_bytes = std::min(recover_.sacked_bytes + mss, out > mss ? out - mss : 0);
  // Step 2: "three duplicate ACKs", and not those of an episode that is just over.
  if (recover_.phase < Phase::fast && recover_.duplicate_acks == 3 &&
      seq_gt(snd_.una, recover_.point)) {
    mark_first_segment_lost();
    enter_fast_recovery(now, {"three duplicate ACKs"});
  }
}

void Connection::mark_lost(u32 index) {
  Sent& record = (*flight_)[index];
  if (record.lost || record.sacked) return;
  record.lost = true;
  recover_.lost_bytes += record.length();
}

void Connection::mark_first_segment_lost() {
  Sent& first = (*flight_)[0];
  if (first.lost) return;
  if (first.length() > mss_now()) flight_->split(0, first.start + mss_now());
  mark_lost(0);
}

void Connection::enter_fast_recovery(Instant now, trace::Why why) {
  if (forgive_mtu_probe(now)) return;
  ++context_.counters.fast_retransmits;
  // RFC 3168 §6.1.2: who has slowed down for a mark in this window does not do so again.
  const bool slower_already = recover_.phase == Phase::reduced;
  recover_.phase = Phase::fast;
  recover_.force_retransmit = true;
  if (slower_already) {
    recover_.point = snd_.nxt;
  } else {
    begin_episode(now);
    begin_reduction(now);
  }
  // RFC 6937: at first one segment goes; what the next ACKs deliver allows more.
  control_.set_window(in_flight() + mss_now());
  if (recover_.probe_armed) restart_retransmit_timer(now);  // RFC 8985 §7.2: no probes in recovery
  trace_window(why, now);
}

void Connection::begin_reduction(Instant now) {
  recover_.point = snd_.nxt;
  if (ecn_) traffic().ecn_reduced = true;
  recover_.prr_start = std::max(snd_.nxt - snd_.una, 1u);
  recover_.prr_delivered = 0;
  recover_.prr_out = 0;
  control_.on_loss(mss_now(), now);
}

void Connection::trace_window(trace::Why why, Instant now) {
  if (context_.sink != nullptr)
    context_.sink->on(
        now, trace::CongestionChanged{flow_, control_.window(), control_.threshold(), why});
}

AckSample Connection::make_sample(const Progress& progress, Instant now) const {
  // What SACK had reported before let something be sent then; only what is new counts now.
  const u32 acked = sack_ ? progress.delivered : progress.acked - progress.guessed;
  AckSample sample{acked, mss_now(), snd_.una, snd_.nxt, progress.rtt, rtt_.smoothed(), now};
  if (traffic_ == nullptr) return sample;
  sample.in_flight = in_flight() + progress.delivered;
  sample.delivered = traffic_->rate.delivered();
  sample.delivery_rate = traffic_->rate.rate();
  sample.app_limited = traffic_->rate.is_app_limited();
  return sample;
}

void Connection::after_ack(const Progress& progress, Instant now) {
  if (traffic_ != nullptr && progress.delivered > 0) traffic_->rate.end_sample(rtt_.minimum(), now);
  end_tail_probe(progress, now);
  const u32 passed = recover_.phase == Phase::reduced ? 1 : 0;  // CWR itself must have arrived
  if (recover_.phase != Phase::none && progress.acked > 0 &&
      seq_ge(snd_.una, recover_.point + passed)) {
    if (recover_.phase != Phase::timeout) {
      control_.set_window(control_.threshold());
    } else if (progress.window_limited) {
      control_.on_ack(make_sample(progress, now));
    }
    recover_.phase = Phase::none;
    recover_.duplicate_acks = 0;
    if (!sack_) recover_.sacked_bytes = 0;
    if (recover_.patience_recoveries > 0) {
      --recover_.patience_recoveries;
      if (recover_.patience_recoveries == 0) recover_.patience_steps = 0;
    }
    trace_window({"recovery is over"}, now);
  } else if (recover_.phase == Phase::fast || recover_.phase == Phase::reduced) {
    proportional_reduction(progress);
  } else if (progress.acked > 0 && progress.window_limited) {
    control_.on_ack(make_sample(progress, now));
  }
  if (progress.acked > 0) {
    rtt_.clear_backoff();
    retries_ = 0;
    if (traffic_ != nullptr) {
      traffic_->soft_error.reset();
      if (traffic_->timeout_since != Instant{})
        traffic_->timeout_time += now - std::exchange(traffic_->timeout_since, {});
    }
    restart_retransmit_timer(now);
  }
}

void Connection::proportional_reduction(const Progress& progress) {
  const u32 mss = mss_now();
  const u32 delivered = progress.delivered + (!sack_ && progress.duplicate ? mss : 0);
  if (delivered == 0) return;
  recover_.prr_delivered += delivered;
  const u32 pipe = in_flight();
  const u32 threshold = control_.threshold();
  u32 budget = 0;
  if (pipe > threshold) {
    const u64 share =
        (u64{recover_.prr_delivered} * threshold + recover_.prr_start - 1) / recover_.prr_start;
    budget = share > recover_.prr_out ? to<u32>(share) - recover_.prr_out : 0;
  } else {
    const u32 owed =
        recover_.prr_delivered > recover_.prr_out ? recover_.prr_delivered - recover_.prr_out : 0;
    budget = std::min(std::max(owed, delivered) + (progress.acked > 0 ? mss : 0), threshold - pipe);
  }
  if (recover_.prr_out == 0) budget = std::max(budget, mss);
  control_.set_window(pipe + budget);
}

}  // namespace handfast::tcp
