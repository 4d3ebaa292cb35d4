// What a host's TCP counts, after RFC 4022 and `netstat -s`.
#pragma once

#include <array>

#include "base/types.hpp"
#include "tcp/state.hpp"
#include "wire/drop.hpp"

namespace handfast::tcp {

struct Counters {
  u64 active_opens = 0;
  u64 passive_opens = 0;
  u64 attempt_fails = 0;       // opens that never reached ESTABLISHED
  u64 established_resets = 0;  // synchronized connections ended by RST
  u64 segments_in = 0;
  u64 segments_out = 0;
  u64 segments_retransmitted = 0;
  u64 resets_out = 0;
  u64 bytes_in = 0;             // payload accepted in order
  u64 bytes_out = 0;            // payload sent for the first time
  u64 timeouts = 0;             // retransmission timer
  u64 paths_doubted = 0;        // R1 retransmissions went unanswered (RFC 9293 §3.8.3)
  u64 fast_retransmits = 0;     // loss recoveries entered without a time-out
  u64 spurious_recoveries = 0;  // taken back: nothing was lost
  u64 tail_loss_probes = 0;     // RFC 8985 §7
  u64 duplicates_reported = 0;  // DSACK blocks received (RFC 2883)
  u64 zero_window_probes = 0;
  u64 keepalive_probes = 0;
  u64 out_of_order = 0;  // segments kept for reassembly
  u64 duplicates = 0;    // segments with nothing new
  u64 paws_rejected = 0;
  u64 ecn_connections = 0;  // RFC 3168: that negotiated it
  u64 ecn_marks_in = 0;     // segments that came with CE
  u64 ecn_echoes_in = 0;    // segments that came with ECE
  u64 challenge_acks = 0;   // RFC 5961
  u64 challenge_acks_suppressed = 0;
  u64 orphans_aborted = 0;   // one more than orphans_max was let go
  u64 listen_overflows = 0;  // handshakes that found the accept queue full
  u64 listen_drops = 0;      // SYNs and last ACKs that a listener did not take, for whatever reason
  u64 half_open_evicted = 0;
  u64 syn_cookies_sent = 0;
  u64 syn_cookies_valid = 0;
  u64 syn_cookies_invalid = 0;  // ACKs while cookies were out that are no cookie, or an old one
  u64 syn_floods = 0;           // that began
  u64 fast_open_cookies_asked = 0;
  u64 fast_open_passive = 0;        // SYNs whose data, or cookie, was taken
  u64 fast_open_passive_fails = 0;  // cookies that were wrong
  u64 fast_open_overflows = 0;      // too many such handshakes at once
  u64 fast_open_active = 0;         // data in our SYN was acknowledged
  u64 fast_open_active_fails = 0;   // it was not
  u64 mtu_probes = 0;               // RFC 4821
  u64 mtu_probes_lost = 0;
  u64 black_holes_suspected = 0;
  u64 reassemblies_pruned = 0;    // what came out of order gave way to what came in order
  u64 delayed_acks = 0;           // acknowledgments whose delay ran out
  u64 window_updates = 0;         // segments sent only to tell of a larger window
  u64 windows_closed = 0;         // the window that we offer came down to zero
  u64 duplicates_told = 0;        // DSACK blocks sent
  u64 urgent_marks_in = 0;        // RFC 6093
  u64 aborts_by_application = 0;  // ABORT
  u64 aborts_on_data = 0;         // data came for an application that is gone
  u64 aborts_on_timeout = 0;      // retransmissions or probes went unanswered
  std::array<u64, to<u8>(wire::Drop::count_)> drops{};  // segments, by reason
  std::array<u64, edges.size()> edges_taken{};  // arrows of figure 5, in the order of `edges`
};

}  // namespace handfast::tcp
