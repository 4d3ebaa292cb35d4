// RFC 9293 §3.10.8 and RFC 6298 §5: what happens when time passes and nothing else does.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using Phase = LossRecovery::Phase;

Instant Connection::deadline() const { return *std::ranges::min_element(timers_); }

void Connection::on_deadline(Instant now) {
  const auto due = [&](Timer timer) {
    if (timers_[to<u8>(timer)] > now) return false;
    stop_timer(timer);
    return true;
  };
  if (due(Timer::delayed_ack)) ack_now_ = true;
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
  end(released_ && state_ == State::fin_wait_2 ? Errc::none : Errc::timed_out, now, why);
}

void Connection::restart_retransmit_timer(Instant now) {
  // RFC 6298 §5.2, §5.3.
  if (flight_ == nullptr || flight_->empty()) {
    stop_timer(Timer::retransmit);
    retries_ = 0;
    return;
  }
  if (!arm_tail_probe(now)) set_timer(Timer::retransmit, now + rtt_.timeout(context_.config));
}

void Connection::on_retransmit_timeout(Instant now) {
  if (flight_ == nullptr || flight_->empty()) return;
  const Config& config = context_.config;
  const bool opening = !is_synchronized(state_);
  const u32 retries_max = opening ? settings().syn_retries_max : config.retries_max;
  if (retries_ >= retries_max) {
    give_up({"no answer to {} retransmissions", retries_}, now);
    return;
  }
  if (settings().user_timeout > 0ns && !opening && now - received_at_ >= settings().user_timeout) {
    give_up({"user time-out: nothing acknowledged"}, now);
    return;
  }
  ++retries_;
  ++context_.counters.timeouts;
  if (tally_ != nullptr) {
    ++tally_->timeouts;
    if (tally_->timeout_since == Instant{}) {
      ++tally_->timeout_episodes;
      tally_->timeout_since = now;
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
  rtt_.back_off();  // §5.5
  restart_retransmit_timer(now);
}

void Connection::on_persist_timeout(Instant now) {
  const Config& config = context_.config;
  if (probes_ >= config.retries_max) {
    give_up({"no answer to {} window probes", probes_}, now);
    return;
  }
  if (probes_ < 255) ++probes_;
  ++context_.counters.zero_window_probes;
  trace_timer("persist", {"the window is {} bytes", snd_.wnd}, now);
  probe_now_ = true;
  // RFC 9293 MUST-37: "the interval between successive probes SHOULD be increased exponentially".
  const Duration interval = rtt_.timeout(config) * (1u << std::min<u32>(persist_backoff_, 12));
  if (persist_backoff_ < 12) ++persist_backoff_;
  set_timer(Timer::persist, now + std::min(interval * 2, config.rto_max));
}

void Connection::restart_keepalive(Instant now) {
  if (!settings().keepalive || !is_synchronized(state_)) {
    stop_timer(Timer::keepalive);
    return;
  }
  set_timer(Timer::keepalive, now + settings().keepalive_idle);
}

void Connection::on_keepalive_timeout(Instant now) {
  const Settings& config = settings();
  if (!config.keepalive) return;
  if (probes_ >= config.keepalive_probes_max) {
    reset_now_ = true;
    reset_with_ack_ = true;
    reset_sequence_ = snd_.nxt;
    give_up({"no answer to {} keepalive probes", probes_}, now);
    return;
  }
  ++probes_;
  ++context_.counters.keepalive_probes;
  trace_timer("keepalive", {"probe {} of {}", probes_, config.keepalive_probes_max}, now);
  probe_now_ = true;
  set_timer(Timer::keepalive, now + config.keepalive_interval);
}

}  // namespace handfast::tcp
