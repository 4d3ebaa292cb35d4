// Everything that may be chosen about TCP, with the conventions of Linux as defaults.
#pragma once

#include <optional>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/settings.hpp"
#include "tcp/syn_cookie.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

/// RFC 4821: whether segments are made smaller where large ones do not arrive, and larger again.
enum class MtuProbing : u8 { off, black_hole, always };

/// The host's own choices, and the Settings of a connection that makes none.
struct Config : Settings {
  // Opening.
  u32 syn_ack_retries_max = 5;   // retransmissions of SYN,ACK before a half-open entry expires
  u32 half_open_max = 1024;      // half-open entries a listener; its backlog may allow fewer
  bool half_open_evict = false;  // beyond that the oldest goes, where no cookies are sent
  SynCookieUse syn_cookies = SynCookieUse::automatic;  // RFC 4987
  bool abort_on_overflow = false;  // RST, not silence, to an ACK that finds the accept queue full
  bool timestamp_offsets = true;   // RFC 7323 §5.4: an offset for each flow; false: all show uptime
  std::optional<FastOpenKey> fast_open_key{};  // RFC 7413 §4.1.2; none: a random one
  Duration fast_open_pause = 1h;               // for a server that such SYNs seem not to reach
  wire::OptionStyle option_style = wire::OptionStyle::linux;  // of SYNs

  // Closing.
  Duration msl = 30s;          // TIME-WAIT lasts twice this (RFC 9293 §3.4.2 says 2 min)
  u32 time_wait_max = 262144;  // records; beyond it the oldest goes
  u32 orphans_max = 65536;     // connections that finish without their application; more are reset
  u32 orphan_retries_max = 8;  // instead of retries_max, for such ones

  // Memory, bytes.
  u32 send_buffer_max = 4u << 20;
  u32 receive_buffer_max = 6u << 20;
  u32 reassembly_ranges_max = 1024;  // holes kept out of order, a connection
  u64 buffers_max = 1u << 30;        // all rings of a host together

  // Retransmission, RFC 6298.
  Duration rto_initial = 1s;
  Duration rto_min = 200ms;
  bool rto_min_of_sum = false;  // §2.4; false: of four variations, on top of SRTT, as Linux has it
  Duration rto_max = 120s;
  u32 retries_max = 15;            // of the same segment before the connection is given up (R2)
  u32 retries_doubted = 3;         // RFC 9293 §3.8.3, R1: then the way to the peer is doubted
  Duration user_timeout_max = 1h;  // however patient a peer asks us to be (RFC 5482 §3.1, U_LIMIT)

  bool tail_loss_probe = true;  // RFC 8985 §7
  bool duplicate_sack = true;   // RFC 2883

  // Acknowledging and sending.
  Duration delayed_ack = 40ms;       // RFC 9293 §3.8.6.3: below 500 ms
  u32 quick_acks = 16;               // segments acknowledged at once after the open
  u32 initial_window_segments = 10;  // RFC 6928
  u32 burst_segments_min = 2;        // of one super-segment, however slow the path
  bool restart_after_idle = true;    // RFC 5681 §4.1
  MtuProbing mtu_probing = MtuProbing::black_hole;
  u32 mss_default = 536;  // RFC 9293 §3.7.1: where the peer names none (IPv6: 1220)

  bool header_prediction = true;  // off: every segment takes the eight steps; the same happens

  // RFC 5961 §7: challenge ACKs a second. What one connection's peer, or who forges its packets,
  // can provoke must not be counted out of the host's.
  u32 challenge_acks_per_second_max = 1000;           // a host
  u32 challenge_acks_per_connection_second_max = 10;  // at most 255
};

/// The shift that lets the whole receive buffer be offered (RFC 7323 §2.3), at most 14.
constexpr u8 window_scale_for(const Config& config) {
  u8 shift = 0;
  while (shift < 14 && (config.receive_buffer_max >> shift) > 65535) ++shift;
  return shift;
}

/// What the SYN of an endpoint with these settings offers to receive, bytes.
u32 initial_window(const Config& config, const Settings& settings);

}  // namespace handfast::tcp
