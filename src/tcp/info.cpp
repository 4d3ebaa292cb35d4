// RFC 9293 §3.10.6, STATUS: what the connection knows about itself and its way.
#include "tcp/info.hpp"

#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

namespace {

Duration since(Instant then, Instant now) { return then == Instant{} ? 0ns : now - then; }

}  // namespace

Info Connection::info(Instant now) const {
  Info out;
  out.state = state_;
  out.retransmits = retries_;
  out.probes = probes_;
  out.backoff = to<u8>(std::min<u32>(std::max<u32>(rtt_.backoff(), persist_backoff_), 255));
  out.timestamps = timestamps_;
  out.sack = sack_;
  out.scaling = scaling_;
  out.quick_ack = true;
  out.ecn = ecn_;
  out.accurate_ecn = accurate_.is_on();
  out.fast_open_data = early_acked_;
  out.send_scale = send_scale_;
  out.receive_scale = receive_scale_;
  out.rto = rtt_.timeout(context_.config);
  out.ato = context_.config.delayed_ack;
  out.rtt = rtt_.smoothed();
  out.rtt_variation = rtt_.variation();
  out.rtt_min = rtt_.minimum();

  const u32 mss = mss_now();
  out.send_mss = mss;
  out.receive_mss = std::min<u32>(536, mss);
  out.advertised_mss = mss_for(mtu_) - (timestamps_ ? 12 : 0);
  out.path_mtu = std::min(mtu_, mtu_proven_);
  out.congestion_window = control_.window();
  out.congestion_window_segments = std::max(control_.window() / mss, 1u);
  const u32 threshold = control_.threshold();
  const bool unlimited = threshold >= Cubic::window_max;
  out.slow_start_threshold = unlimited ? Info::slow_start_unlimited : threshold;
  out.slow_start_threshold_segments =
      unlimited ? Info::slow_start_unlimited : std::max(threshold / mss, 1u);
  out.receive_space = rcv_.limit;
  out.receive_rtt = receive_rtt();
  out.send_window = snd_.wnd;
  out.receive_window = window_advertised();
  out.not_sent = not_sent();
  report_flight(out);
  if (text_sent_at_ != Instant{}) out.since_data_sent = now - text_sent_at_;
  if (received_at_ != Instant{}) out.since_data_received = now - received_at_;  // as Linux: the SYN
  if (traffic_ != nullptr) report_traffic(out, now);
  return out;
}

Traffic& Connection::traffic() {
  if (traffic_ == nullptr) {
    traffic_ = context_.traffics.take();
    traffic_->acks.expect_segments_of(std::min<u32>(536, mss_now()));
    traffic_->window_used_point = snd_.una;
    traffic_->receive_space = std::max(context_.config.receive_window_initial, 2 * 65535u);
    begin_mtu_search();
  }
  return *traffic_;
}

void Connection::report_flight(Info& out) const {
  switch (recover_.phase) {
    case LossRecovery::Phase::none:
      out.phase = recover_.sacked_bytes > 0 || recover_.duplicate_acks > 0 ? Info::Phase::disorder
                                                                           : Info::Phase::open;
      break;
    case LossRecovery::Phase::reduced: out.phase = Info::Phase::reduced; break;
    case LossRecovery::Phase::fast: out.phase = Info::Phase::recovery; break;
    case LossRecovery::Phase::timeout: out.phase = Info::Phase::loss; break;
  }
  for (u32 i = 0; flight_ != nullptr && i < flight_->size(); ++i) {
    const Sent& record = (*flight_)[i];
    const u32 count = segments_of(record.length());
    out.unacknowledged_segments += count;
    if (record.sacked) out.sacked_segments += count;
    const bool repeated = record.transmissions > 1 && !record.lost && !record.sacked;
    // As Linux counts: what was sent again is lost still, until it is delivered.
    if (record.lost || repeated) out.lost_segments += count;
    if (repeated) out.retransmitted_segments += count;
  }
}

void Connection::report_traffic(Info& out, Instant now) const {
  Traffic t = *traffic_;
  t.book(now);
  out.quick_ack = !t.acks.is_interactive();
  out.receive_mss = t.acks.mss();
  if (t.acks.ato() != 0ns) out.ato = t.acks.ato();
  out.ecn_seen = t.ecn_seen;
  out.since_ack_received = since(t.ack_received_at, now);
  if (t.data_received_at != Instant{}) out.since_data_received = now - t.data_received_at;
  out.bytes_acked = t.bytes_acked;
  out.bytes_received = t.bytes_received;
  out.bytes_sent = t.bytes_sent;
  out.bytes_retransmitted = t.bytes_retransmitted;
  out.segments_in = t.segments_in;
  out.segments_out = t.segments_out;
  out.data_segments_in = t.data_segments_in;
  out.data_segments_out = t.data_segments_out;
  out.retransmissions = t.retransmissions;
  out.delivered = t.delivered;
  out.delivered_ce = t.delivered_ce;
  out.duplicates_reported = t.duplicates_reported;
  out.reordering_seen = t.reordering_seen;
  out.reordering_segments = t.reordering_segments;
  out.out_of_order = t.out_of_order;
  out.timeouts = t.timeouts;
  out.soft_error = t.soft_error;
  out.timeout_episodes = t.timeout_episodes;
  out.timeout_time = t.timeout_time + since(t.timeout_since, now);
  out.pacing_rate = is_paced() ? pacing_rate() : 0;
  out.delivery_rate = t.rate.rate();
  out.app_limited = t.rate.is_app_limited();
  out.busy = t.waited_network + t.waited_window + t.waited_buffer;
  out.window_limited = t.waited_window;
  out.buffer_limited = t.waited_buffer;
}

}  // namespace handfast::tcp
