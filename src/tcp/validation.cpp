// RFC 7661, RFC 5681 §4.1: a congestion window says something about the path only while it is used.
// What waits, and on what; and when the pacer lets the next text go.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

bool Tcb::uses_window() const {
  if (traffic_ == nullptr) return false;
  if (traffic_->window_used) return true;
  // In slow start half of it is use enough: the window may double in this round.
  return control_.in_slow_start() && control_.window() / 2 < traffic_->out_max;
}

// `limited`: the congestion window keeps something back now.
void Connection::note_window_use(bool limited, Instant now) {
  Traffic& t = *traffic_;
  const u32 out = snd_.nxt - snd_.una;
  if (limited || seq_ge(snd_.una, t.window_used_point) || (!t.window_used && out > t.out_max)) {
    t.window_used = limited;
    t.out_max = out;
    t.window_used_point = snd_.nxt;
  }
  if (uses_window() || t.window_used_at == Instant{}) {
    t.out_max_idle = 0;
    t.window_used_at = now;
    return;
  }
  t.out_max_idle = std::max(t.out_max_idle, out);
  if (!context_.config.restart_after_idle || recover_.phase != LossRecovery::Phase::none ||
      now - t.window_used_at < rtt_.timeout(context_.config))
    return;
  // RFC 7661 §4.4: what was not used for so long is half given back.
  const u32 used = std::max(t.out_max_idle, mss_now() * context_.config.initial_window_segments);
  t.out_max_idle = 0;
  t.window_used_at = now;
  if (used >= control_.window()) return;
  control_.set_threshold(std::max(control_.threshold(), control_.window() / 4 * 3));
  control_.set_window(control_.window() / 2 + used / 2);
  trace_window({"the application uses {} bytes of the window", used}, now);
}

void Connection::restart_after_idle(Instant now) {
  // RFC 5681 §4.1: what was known of the path fades, by half for every time-out of silence.
  if (!context_.config.restart_after_idle || snd_.nxt != snd_.una || text_sent_at_ == Instant{})
    return;
  const Duration timeout = rtt_.timeout(context_.config);
  if (now - text_sent_at_ <= timeout) return;
  const u32 floor =
      std::min(control_.window(), mss_now() * context_.config.initial_window_segments);
  u32 window = control_.window();
  for (Duration idle = now - text_sent_at_; idle > timeout && window > floor; idle -= timeout)
    window /= 2;
  window = std::max(window, floor);
  if (window == control_.window()) return;
  control_.set_threshold(std::max(control_.threshold(), control_.window() / 4 * 3));
  control_.set_window(window);
  trace_window({"restart after idle"}, now);
}

void Connection::note_wait(Instant now) {
  const u32 unsent = not_sent();
  if (traffic_ == nullptr && unsent == 0) return;
  traffic();
  Traffic::Wait wait = Traffic::Wait::nothing;
  if (unsent > 0 && window_room() < std::min(mss_now(), unsent) &&
      in_flight() < control_.window()) {
    wait = Traffic::Wait::window;
  } else if (snd_.nxt != snd_.una || unsent > 0) {
    const bool starved =
        (wants_room_ || writer_limited_) && unsent == 0 && in_flight() < control_.window();
    wait = starved ? Traffic::Wait::buffer : Traffic::Wait::network;
  }
  traffic_->now_waits_for(wait, now);
  if (unsent == 0 && in_flight() + mss_now() <= control_.window() && recover_.lost_bytes == 0)
    traffic_->rate.on_starved(in_flight());
}

// Where it is not yet time, deadline() will say when it is.
bool Connection::may_send_now(Instant now) {
  pacing_ = !traffic_->pacer.may_send(now);
  return !pacing_;
}

// Bytes a second; zero: without limit.
u64 Tcb::pacing_rate() const {
  u64 rate = control_.pacing_rate();
  if (rate == 0 && rtt_.smoothed() > 0ns) {
    // A window each round trip, with room to grow: twice that while it doubles.
    const u64 percent = control_.window() < control_.threshold() / 2 ? 200 : 120;
    rate = u64{control_.window()} * percent * 10'000 /
           to<u64>(std::max<i64>(rtt_.smoothed() / 1us, 1));
  }
  const u64 most = settings().pacing_rate_max;
  return most != 0 && (rate == 0 || rate > most) ? most : rate;
}

void Connection::pace(u32 bytes, Instant now) {
  constexpr u32 unpaced = 10;  // segments: the initial window goes as a burst
  if (!is_paced() || traffic_->data_segments_out < unpaced) return;
  if (const u64 rate = pacing_rate(); rate != 0) traffic_->pacer.on_sent(bytes, rate, now);
}

// The most text of one segment or super-segment, in whole segments: what the path carries in about
// a millisecond, so that acknowledgments keep clocking us, and at most half of the window. (As
// Linux, which also lets short paths have larger ones.)
u32 Tcb::burst_max(u32 payload_max) const {
  const u32 mss = text_max();
  // CWR and the urgent pointer are one segment's.
  if (payload_max <= mss || is_urgent() || (traffic_ != nullptr && traffic_->ecn_reduced))
    return mss;
  const u32 window = control_.window();
  u64 bytes = payload_max;
  if (const Duration rtt = rtt_.smoothed(); rtt > 0ns) {
    const u64 rate = u64{window} * (control_.in_slow_start() ? 20 : 12) / 10;  // a round trip
    const u64 rtt_us = std::max<u64>(to<u64>(rtt / 1us), 1);
    bytes = rate * 977 / rtt_us;
    if (const u64 shift = rtt_us >> 9; shift < 16) bytes += u64{65536} >> shift;
  }
  if (settings().pacing_rate_max != 0)
    bytes = std::min<u64>(bytes, Pacer::quantum(settings().pacing_rate_max, mss));
  bytes = std::max<u64>(bytes, u64{context_.config.burst_segments_min} * mss);
  const u64 limit = std::min<u64>(std::max<u32>(window / 2, mss), payload_max);
  return to<u32>(std::max<u64>(std::min(bytes, limit) / mss, 1) * mss);
}

}  // namespace handfast::tcp
