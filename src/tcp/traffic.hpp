// What a connection counts about itself once data flows. An idle connection that never carried
// any holds none of this.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "base/object_pool.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/ack_policy.hpp"
#include "tcp/mtu_search.hpp"
#include "tcp/pacer.hpp"
#include "tcp/rate_sampler.hpp"
#include "wire/icmp.hpp"

namespace handfast::tcp {

struct Traffic {
  /// What the sender waits for, as Linux's "chronograph" tells them apart.
  enum class Wait : u8 { nothing, network, window, buffer };

  u64 bytes_acked = 0;
  u64 bytes_received = 0;
  u64 bytes_sent = 0;
  u64 bytes_retransmitted = 0;
  u32 segments_in = 0;
  u32 segments_out = 0;
  u32 data_segments_in = 0;
  u32 data_segments_out = 0;
  u32 retransmissions = 0;
  u32 delivered = 0;
  u32 delivered_ce = 0;
  u32 duplicates_reported = 0;
  u32 reordering_seen = 0;
  u32 reordering_segments = 3;  // how far a segment was overtaken; never less than RFC 5681's 3
  u32 out_of_order = 0;
  u32 timeouts = 0;
  u32 timeout_episodes = 0;
  Instant timeout_since{};  // zero: no episode now
  Duration timeout_time{};
  Instant data_received_at{};
  Instant ack_received_at{};

  AckPolicy acks;
  RateSampler rate;
  Pacer pacer;

  // How far the receive window should open (buffers.cpp).
  u32 receive_space = 0;
  u32 read_from = 0;
  u32 read_in_round = 0;
  u32 window_end = 0;
  Instant read_since{};
  Instant window_begun{};
  Duration window_time{};

  MtuSearch mtu_search;
  std::optional<wire::IcmpProblem> soft_error{};  // told of since the last progress
  u16 user_timeout_peer = 0;                      // RFC 5482, as its option had it

  // RFC 3168.
  bool ecn_seen = false;     // the peer sends with an ECN-capable codepoint
  bool ecn_echo = false;     // a mark came, and no CWR since
  bool ecn_reduced = false;  // the next new text says CWR

  // RFC 6093, RFC 9293 §3.8.5.
  bool urgent_to_send = false;
  bool urgent_announced = false;  // a mark lies ahead of, or at, what is read next
  bool urgent_arrived = false;    // its byte is in urgent_byte
  u8 urgent_byte = 0;
  u32 urgent_send_end = 0;  // SND.UP
  u32 urgent_sequence = 0;  // of the byte at the mark

  // Where records end that are not to share a segment (MSG_EOR), in sequence numbers.
  std::vector<u32> record_ends{};

  // RFC 7661: what of the window is in use.
  bool window_used = false;   // it kept us back in the last round
  u32 window_used_point = 0;  // where that round ends
  u32 out_max = 0;            // the most that was out in it
  u32 out_max_idle = 0;       // the most that was out since window_used_at
  Instant window_used_at{};

  Wait wait = Wait::nothing;
  Instant wait_since{};
  Duration waited_network{};
  Duration waited_window{};
  Duration waited_buffer{};

  void note_reordering(u32 segments) {
    constexpr u32 segments_max = 300;
    ++reordering_seen;
    reordering_segments = std::max(reordering_segments, std::min(segments, segments_max));
  }
  /// The wait changes, and what passed is booked.
  void now_waits_for(Wait next, Instant now) {
    if (next == wait) return;
    book(now);
    wait = next;
  }
  void book(Instant now);
  bool reset() {
    *this = {};
    return true;
  }
};

using TrafficPool = ObjectPool<Traffic>;

}  // namespace handfast::tcp
