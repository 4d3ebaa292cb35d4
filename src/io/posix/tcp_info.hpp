// tcp::Info as Linux lays it out in memory: getsockopt(TCP_INFO), TCP_CC_INFO and SO_MEMINFO.
#pragma once

#include <array>

#include "base/types.hpp"
#include "tcp/info.hpp"

namespace handfast::io::posix {

/// struct tcp_info of Linux 6.x (include/uapi/linux/tcp.h), which only ever grows at its end.
/// Times are in µs (rto, ato, rtt …) or ms (last_*), as there.
struct LinuxTcpInfo {
  u8 state, ca_state, retransmits, probes, backoff, options, window_scales, rate_flags;
  u32 rto, ato, snd_mss, rcv_mss;
  u32 unacked, sacked, lost, retrans, fackets;
  u32 last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
  u32 pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
  u32 rcv_rtt, rcv_space;
  u32 total_retrans;
  u64 pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  u32 segs_out, segs_in;
  u32 notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  u64 delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
  u32 delivered, delivered_ce;
  u64 bytes_sent, bytes_retrans;
  u32 dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
  u16 total_rto, total_rto_recoveries;
  u32 total_rto_time;
  u32 received_ce;
  u32 delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
  u32 received_e1_bytes, received_e0_bytes, received_ce_bytes;
  u32 ecn_bits;
};
static_assert(sizeof(LinuxTcpInfo) == 280);

LinuxTcpInfo linux_tcp_info(const tcp::Info& info);

/// Linux's number for a state.
u8 linux_state(tcp::State state);

}  // namespace handfast::io::posix
