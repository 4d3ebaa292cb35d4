// RFC 9293 §3.10.8 and RFC 6298 §5: what happens when time passes and nothing else does.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using Phase = LossRecovery::Phase;

void Connection::on_deadline(Instant now) {
  const auto due = [&](Timer timer) {
    if (timers_[to<u8>(timer)] > now) return false;
    stop_timer(timer);
    return true;
  };
  if (due(Timer::delayed_ack)) {
    ack_now_ = true;
    ++context_.counters.delayed_acks;
    traffic_->acks.on_timer(context_.config.delayed_ack, rtt_.timeout(context_.config));
  }
  if (pacing_ && may_send_now(now)) pacing_ = false;  // poll_transmit() goes on
  if (due(Timer::reorder)) detect_loss_by_time(now);
  if (due(Timer::retransmit))
    recover_.probe_armed ? on_tail_probe(now) : on_retransmit_timeout(now);
  if (due(Timer::persist)) on_persist_timeout(now);
  if (due(Timer::keepalive)) on_keepalive_timeout(now);
  if (due(Timer::fin_wait_2)) give_up({"FIN_WAIT_2 time-out: the peer never closed"}, now);
}

void Connection::trace_timer(std::string_view timer, trace::Why why, Instant now) {
  if (context_.sink != nullptr) context_.sink->on(now, trace::TimerFired{flow_, timer, why});
}

void Connection::give_up(trace::Why why, Instant now) {
  // An orphan in FIN-WAIT-2 has delivered all that it had; who still listens must hear of it.
  const bool done = released_ && state_ == State::fin_wait_2;
  if (!done) ++context_.counters.aborts_on_timeout;
  const bool warned = traffic_ != nullptr && traffic_->soft_error;
  end(done ? Errc::none : warned ? Errc::unreachable : Errc::timed_out, now, why);
}

void Connection::restart_retransmit_timer(Instant now) {
  // RFC 6298 §5.2, §5.3.
  if (flight_ == nullptr || flight_->empty()) {
    stop_timer(Timer::retransmit);
    retries_ = 0;
    return;
  }
  if (arm_tail_probe(now)) return;
  const Instant due = now + rtt_.timeout(context_.config);
  set_timer(Timer::retransmit, retries_ > 0 ? within_patience(due, now) : due);
}

u32 Tcb::patience() const {
  const Config& config = context_.config;
  return released_ ? std::min(config.retries_max, config.orphan_retries_max) : config.retries_max;
}

void Connection::on_retransmit_timeout(Instant now) {
  if (flight_ == nullptr || flight_->empty()) return;
  const Config& config = context_.config;
  const bool opening = !is_synchronized(state_);
  const u32 retries_max = is_early() ? config.syn_ack_retries_max
                          : opening  ? settings().syn_retries_max
                                     : patience();
  if (retries_ == 0) recover_.unanswered_since = (*flight_)[0].at;
  if (is_patience_over(now)) {
    give_up({"user time-out: nothing acknowledged after {} retransmissions", retries_}, now);
    return;
  }
  // §3.8.6.1 (MUST-35): where the window was closed over what is in flight, the repetitions are
  // probes, and who answers them keeps the connection.
  const bool answered =
      snd_.wnd == 0 && !opening && !released_ && now - received_at_ < 2 * config.rto_max;
  if (user_timeout() == 0ns && retries_ >= retries_max && !answered) {
    note_early_timeout(true, now);
    give_up({"no answer to {} retransmissions", retries_}, now);
    return;
  }
  if (retries_ < 255) ++retries_;
  note_early_timeout(false, now);
  ++context_.counters.timeouts;
  if (retries_ == config.retries_doubted) {
    ++context_.counters.paths_doubted;
    tell(Event::unanswered);
  }
  if (traffic_ != nullptr) {
    ++traffic_->timeouts;
    if (traffic_->timeout_since == Instant{}) {
      ++traffic_->timeout_episodes;
      traffic_->timeout_since = now;
    }
  }
  trace_timer("retransmit", {"time-out {} of {}", retries_, retries_max}, now);
  // RFC 2018 §8: a first segment that is SACKed and still not acknowledged was taken back.
  if ((*flight_)[0].sacked) {
    for (u32 i = 0; i < flight_->size(); ++i) (*flight_)[i].sacked = false;
    recover_.sacked_bytes = 0;
  }
  if (!sack_) recover_.sacked_bytes = 0;
  if (recover_.phase != Phase::timeout && !opening) {
    control_.on_timeout(mss_now(), now);
  } else if (!opening) {
    control_.set_window(mss_now());
  }
  // RFC 5682, also where a second time-out follows without any progress between.
  const bool may_be_spurious = recover_.phase == Phase::none || retries_ > 1;
  if (recover_.phase == Phase::none) begin_episode(now);
  recover_.frto_step = may_be_spurious && !opening ? 1 : 0;
  recover_.phase = Phase::timeout;
  recover_.probe_out = false;
  recover_.probe_now = false;
  recover_.point = snd_.nxt;
  recover_.duplicate_acks = 0;
  for (u32 i = 0; i < flight_->size(); ++i) mark_lost(i);
  recover_.force_retransmit = true;
  stop_timer(Timer::reorder);
  suspect_black_hole();
  rtt_.back_off();  // §5.5
  restart_retransmit_timer(now);
}

Duration Tcb::persist_interval() const {
  // RFC 9293 §3.8.6.1, SHLD-30: each interval between probes is twice the one before.
  const Duration interval =
      rtt_.timeout(context_.config) * (1u << std::min<u32>(persist_backoff_, 12));
  return std::min(interval, context_.config.rto_max);
}

void Connection::on_persist_timeout(Instant now) {
  const u32 unsent = not_sent();
  if (unsent == 0 && !fin_queued_) {
    if (wants_room_) tell(Event::writable);  // there was no memory; is there now?
    wants_room_ = false;
    return;
  }
  if (unsent > 0 && window_room() >= std::min(mss_now(), unsent)) {
    trace_timer("persist", {"{} bytes were corked", unsent}, now);
    push_now_ = true;
    more_coming_ = false;
    return;
  }
  if (probes_ == 0) recover_.unanswered_since = now;
  if (is_patience_over(now) || (user_timeout() == 0ns && probes_ >= patience())) {
    give_up({"no answer to {} window probes", probes_}, now);
    return;
  }
  if (probes_ < 255) ++probes_;
  ++context_.counters.zero_window_probes;
  trace_timer("persist", {"the window is {} bytes", snd_.wnd}, now);
  probe_now_ = true;
  text_sent_at_ = now;  // it waits, and is not idle
  if (persist_backoff_ < 12) ++persist_backoff_;
  set_timer(Timer::persist, within_patience(now + persist_interval(), now));
}

// RFC 5482 §3.1: the longer of what both want, and no less than 100 s.
Duration Tcb::user_timeout() const {
  const Duration own = settings().user_timeout;
  if (traffic_ == nullptr || traffic_->user_timeout_peer == 0) return own;
  constexpr Duration least = 100s;
  const Duration asked = std::max({own, user_timeout_of(traffic_->user_timeout_peer), least});
  return std::max(own, std::min(asked, context_.config.user_timeout_max));
}

bool Tcb::is_patience_over(Instant now) const {
  const Duration patience = user_timeout();
  return patience > 0ns && now - recover_.unanswered_since >= patience;
}

Instant Tcb::within_patience(Instant due, Instant now) const {
  const Duration patience = user_timeout();
  if (patience == 0ns) return due;
  return std::min(due, std::max(recover_.unanswered_since + patience, now + 1ms));
}

// What is in flight or queued asks for an answer by itself.
bool Connection::asks_for_answer() const { return snd_.nxt != snd_.una || not_sent() > 0; }

// RFC 9293 §3.8.4, and what the application asked to be told of silence. Both count from the last
// segment that came, so that one timer serves them.
void Connection::restart_keepalive(Instant now) {
  const Settings& s = settings();
  Instant next = never;
  if (is_synchronized(state_)) {
    const Duration silence = now - received_at_;
    if (s.keepalive) {
      const Instant due =
          asks_for_answer()
              ? after(now, s.keepalive_idle)
              : after(received_at_, s.keepalive_idle + probes_ * s.keepalive_interval);
      next = std::max(due, now);
    }
    if (s.heartbeat > 0ns)
      next = std::min(next, received_at_ + s.heartbeat * (silence / s.heartbeat + 1));
  }
  set_timer(Timer::keepalive, next);
}

void Connection::on_keepalive_timeout(Instant now) {
  const Settings& s = settings();
  const Duration silence = now - received_at_;
  if (s.heartbeat > 0ns && silence >= s.heartbeat) tell(Event::heartbeat);
  if (s.keepalive && !asks_for_answer() &&
      silence >= s.keepalive_idle + probes_ * s.keepalive_interval) {
    const Duration patience = user_timeout();
    const bool over =
        patience > 0ns ? probes_ > 0 && silence >= patience : probes_ >= s.keepalive_probes_max;
    if (over) {
      reset_now_ = true;
      reset_with_ack_ = true;
      reset_sequence_ = snd_.nxt;
      give_up({"no answer to {} keepalive probes", probes_}, now);
      return;
    }
    if (probes_ < 255) ++probes_;
    ++context_.counters.keepalive_probes;
    trace_timer("keepalive", {"probe {} of {}", probes_, s.keepalive_probes_max}, now);
    probe_now_ = true;
  }
  restart_keepalive(now);
}

}  // namespace handfast::tcp
