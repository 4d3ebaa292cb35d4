// RFC 8985 §7: the tail loss probe. When the last segments of a flight go missing no duplicate ACK
// tells of it; one segment more, well before the retransmission time-out, makes the peer speak.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using Phase = LossRecovery::Phase;

bool Connection::arm_tail_probe(Instant now) {
  recover_.probe_armed = false;
  if (!context_.config.tail_loss_probe || !sack_ || recover_.phase >= Phase::fast ||
      recover_.probe_out || recover_.sacked_bytes > 0 || !rtt_.has_sample() ||
      !is_synchronized(state_) || rtt_.backoff() > 0)
    return false;
  // §7.2: "PTO = 2 * SRTT", and what a delayed ACK may take where only one segment is out.
  Duration wait = 2 * rtt_.smoothed();
  wait += in_flight() <= mss_now() ? context_.config.rto_min : Duration(2ms);
  wait = std::min(wait, rtt_.timeout(context_.config));
  recover_.probe_armed = true;
  set_timer(Timer::retransmit, now + wait);
  return true;
}

void Connection::on_tail_probe(Instant now) {
  recover_.probe_armed = false;
  if (flight_ == nullptr || flight_->empty()) return;
  recover_.probe_now = true;
  recover_.probe_out = true;
  ++context_.counters.tail_loss_probes;
  trace_timer("tail loss probe", {"no answer for {} ms", to<u64>((now - flight_->back().at) / 1ms)},
              now);
  set_timer(Timer::retransmit, now + rtt_.timeout(context_.config));
}

bool Connection::transmit_tail_probe(Out& out, Instant now) {
  recover_.probe_now = false;
  if (flight_ == nullptr || flight_->empty()) return false;
  const u32 unsent = fin_sent_ ? 0 : data_start() + send_ring_.size() - snd_.nxt;
  const u32 length = std::min({unsent, text_max(), window_room()});
  if (length > 0) {
    // New data if there is any: it costs nothing.
    recover_.probe_repeats = false;
    context_.counters.bytes_out += length;
    const u32 start = snd_.nxt;
    record_sent(start, start + length, now);
    recover_.probe_end = snd_.nxt;
    transmit_range(out, start, snd_.nxt, {"tail loss probe, new data"}, now);
    return true;
  }
  u32 last = flight_->size() - 1;
  if ((*flight_)[last].length() > text_max()) {
    flight_->split(last, (*flight_)[last].end - text_max());
    ++last;
  }
  Sent& record = (*flight_)[last];
  if (record.transmissions < 0xffff) ++record.transmissions;
  record.at = now;
  recover_.probe_repeats = true;
  recover_.probe_end = snd_.nxt;
  count_retransmitted(record.length());
  transmit_range(out, record.start, record.end, {"tail loss probe, last segment again"}, now);
  return true;
}

void Connection::end_tail_probe(const Progress& progress, Instant now) {
  if (!recover_.probe_out) return;
  if (seq_lt(snd_.una, recover_.probe_end)) {
    if (recover_.phase != Phase::none) recover_.probe_out = false;
    return;
  }
  recover_.probe_out = false;
  // §7.4.2: a repetition that nobody calls a duplicate has mended a loss, which counts as one.
  if (!recover_.probe_repeats || progress.reported_duplicate || recover_.phase != Phase::none)
    return;
  control_.on_loss(mss_now(), now);
  control_.set_window(control_.threshold());
  if (context_.sink != nullptr)
    context_.sink->on(
        now,
        trace::CongestionChanged{
            flow_, control_.window(), control_.threshold(), {"the tail loss probe mended a loss"}});
}

}  // namespace handfast::tcp
