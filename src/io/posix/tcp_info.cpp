#include "io/posix/tcp_info.hpp"

#include <algorithm>

namespace handfast::io::posix {

namespace {

u32 microseconds(Duration time) { return to<u32>(std::clamp<i64>(time / 1us, 0, 0xffff'ffff)); }
u32 milliseconds(Duration time) { return to<u32>(std::clamp<i64>(time / 1ms, 0, 0xffff'ffff)); }

u8 options_of(const tcp::Info& info) {
  constexpr u8 timestamps = 1, sack = 2, scaling = 4, ecn = 8, ecn_seen = 16, syn_data = 32;
  u8 bits = 0;
  if (info.timestamps) bits |= timestamps;
  if (info.sack) bits |= sack;
  if (info.scaling) bits |= scaling;
  if (info.ecn) bits |= ecn;
  if (info.ecn_seen) bits |= ecn_seen;
  if (info.fast_open_data) bits |= syn_data;
  return bits;
}

}  // namespace

u8 linux_state(tcp::State state) {
  switch (state) {
    case tcp::State::established: return 1;
    case tcp::State::syn_sent: return 2;
    case tcp::State::syn_received: return 3;
    case tcp::State::fin_wait_1: return 4;
    case tcp::State::fin_wait_2: return 5;
    case tcp::State::time_wait: return 6;
    case tcp::State::closed: return 7;
    case tcp::State::close_wait: return 8;
    case tcp::State::last_ack: return 9;
    case tcp::State::listen: return 10;
    case tcp::State::closing: return 11;
  }
  return 7;
}

LinuxTcpInfo linux_tcp_info(const tcp::Info& info) {
  LinuxTcpInfo out{};
  out.state = linux_state(info.state);
  out.ca_state = to<u8>(info.phase);
  out.retransmits = info.retransmits;
  out.probes = info.probes;
  out.backoff = info.backoff;
  out.options = options_of(info);
  out.window_scales = to<u8>(info.send_scale | info.receive_scale << 4);
  out.rate_flags = info.app_limited ? 1 : 0;
  out.rto = microseconds(info.rto);
  out.ato = microseconds(info.ato);
  out.snd_mss = info.send_mss;
  out.rcv_mss = info.receive_mss;
  out.unacked = info.unacknowledged_segments;
  out.sacked = info.sacked_segments;
  out.lost = info.lost_segments;
  out.retrans = info.retransmitted_segments;
  out.last_data_sent = milliseconds(info.since_data_sent);
  out.last_data_recv = milliseconds(info.since_data_received);
  out.last_ack_recv = milliseconds(info.since_ack_received);
  out.pmtu = info.path_mtu;
  out.rcv_ssthresh = info.receive_window;
  out.rtt = microseconds(info.rtt);
  out.rttvar = microseconds(info.rtt_variation);
  out.snd_ssthresh = info.slow_start_threshold_segments;
  out.snd_cwnd = info.congestion_window_segments;
  out.advmss = info.advertised_mss;
  out.reordering = info.reordering_segments;
  out.rcv_rtt = microseconds(info.receive_rtt);
  out.rcv_space = info.receive_space;
  out.total_retrans = info.retransmissions;
  out.pacing_rate = info.pacing_rate;
  out.max_pacing_rate = ~u64{0};
  out.bytes_acked = info.bytes_acked;
  out.bytes_received = info.bytes_received;
  out.segs_out = info.segments_out;
  out.segs_in = info.segments_in;
  out.notsent_bytes = info.not_sent;
  // Linux's word for "no sample yet".
  out.min_rtt = info.rtt_min == 0s ? ~u32{0} : microseconds(info.rtt_min);
  out.data_segs_in = info.data_segments_in;
  out.data_segs_out = info.data_segments_out;
  out.delivery_rate = info.delivery_rate;
  out.busy_time = to<u64>(info.busy / 1us);
  out.rwnd_limited = to<u64>(info.window_limited / 1us);
  out.sndbuf_limited = to<u64>(info.buffer_limited / 1us);
  // Linux counts the SYN as one.
  out.delivered = info.delivered + (tcp::is_synchronized(info.state) ? 1 : 0);
  out.delivered_ce = info.delivered_ce;
  out.bytes_sent = info.bytes_sent;
  out.bytes_retrans = info.bytes_retransmitted;
  out.dsack_dups = info.duplicates_reported;
  out.reord_seen = info.reordering_seen;
  out.rcv_ooopack = info.out_of_order;
  out.snd_wnd = info.send_window;
  out.rcv_wnd = info.receive_window;
  out.total_rto = to<u16>(std::min<u32>(info.timeouts, 0xffff));
  out.total_rto_recoveries = to<u16>(std::min<u32>(info.timeout_episodes, 0xffff));
  out.total_rto_time = milliseconds(info.timeout_time);
  return out;
}

}  // namespace handfast::io::posix
