// What one may know of a connection at a moment, after Linux's TCP_INFO: sizes in bytes unless the
// name says segments, times as durations.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/state.hpp"
#include "wire/icmp.hpp"

namespace handfast::tcp {

struct Info {
  /// Linux's names for what loss detection makes of the moment.
  enum class Phase : u8 { open, disorder, reduced, recovery, loss };

  State state = State::closed;
  Phase phase = Phase::open;  // tcpi_ca_state; `reduced` is its CWR
  u8 retransmits = 0;         // time-outs since the last progress
  u8 probes = 0;              // window or keepalive probes without an answer
  u8 backoff = 0;             // doublings of the time-out
  bool timestamps = false, sack = false, scaling = false;  // negotiated
  bool ecn = false;                                        // negotiated
  bool accurate_ecn = false;                               // RFC 9768
  bool ecn_seen = false;        // a segment with an ECN-capable codepoint came
  bool fast_open_data = false;  // data in a SYN was acknowledged, by whoever got it
  bool quick_ack = false;       // acknowledgments do not wait now
  bool app_limited = false;     // the last delivery rate was the application's
  u8 send_scale = 0;
  u8 receive_scale = 0;

  Duration rto{};
  Duration ato{};  // delayed ACK
  Duration rtt{};  // smoothed; zero: no sample yet
  Duration rtt_variation{};
  Duration rtt_min{};
  Duration receive_rtt{};  // as the receiver sees it; zero: not known

  // Sizes.
  u32 send_mss = 0;        // tcpi_snd_mss
  u32 receive_mss = 0;     // tcpi_rcv_mss: the largest segment that came
  u32 advertised_mss = 0;  // tcpi_advmss
  u32 path_mtu = 0;
  u32 congestion_window = 0;
  u32 slow_start_threshold = 0;  // unlimited: slow_start_unlimited
  u32 receive_space = 0;         // tcpi_rcv_space: what the application reads in a round trip
  u32 send_window = 0;           // as the peer offers it
  u32 receive_window = 0;        // as the peer was told
  u32 not_sent = 0;              // queued and never sent

  // Segments, in flight by their fate.
  u32 unacknowledged_segments = 0;
  u32 sacked_segments = 0;
  u32 lost_segments = 0;
  u32 retransmitted_segments = 0;  // sent again and not acknowledged
  u32 reordering_segments = 3;     // how far order has been seen to break
  u32 congestion_window_segments = 0;
  u32 slow_start_threshold_segments = 0;

  // How long ago; zero where it never was.
  Duration since_data_sent{}, since_ack_received{}, since_data_received{};

  // All that ever was.
  u64 bytes_acked = 0;
  u64 bytes_received = 0;
  u64 bytes_sent = 0;  // with repetitions
  u64 bytes_retransmitted = 0;
  u32 segments_in = 0, segments_out = 0;
  u32 data_segments_in = 0, data_segments_out = 0;
  u32 retransmissions = 0;  // segments
  u32 delivered = 0;        // segments
  u32 delivered_ce = 0;     // of those, marked on their way
  u32 duplicates_reported = 0;
  u32 reordering_seen = 0;
  u32 out_of_order = 0;                           // segments kept for reassembly
  u32 timeouts = 0;                               // tcpi_total_rto
  std::optional<wire::IcmpProblem> soft_error{};  // ICMP told of it since the last progress
  u32 timeout_episodes = 0;
  Duration timeout_time{};  // spent in them
  Duration busy{};          // with data in flight or queued
  Duration window_limited{};
  Duration buffer_limited{};

  // Rates, bytes a second; zero: not known, not limited.
  u64 pacing_rate = 0;
  u64 delivery_rate = 0;

  static constexpr u32 slow_start_unlimited = 0x7fff'ffff;
};

}  // namespace handfast::tcp
