// RFC 9293 §3.3.1: the variables of a connection under the standard's names, and those of loss
// recovery. Sequence numbers, and sizes in bytes.
#pragma once

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

struct SendVariables {
  u32 una = 0;
  u32 nxt = 0;
  u32 wnd = 0;
  u32 wl1 = 0;
  u32 wl2 = 0;
  u32 iss = 0;
  u32 wnd_max = 0;    // the largest window that the peer ever offered
  u32 small_end = 0;  // end of the last part segment sent (Nagle, in Minshall's form)
};

struct ReceiveVariables {
  u32 nxt = 0;
  u32 irs = 0;
  u32 right_edge = 0;  // RCV.NXT + RCV.WND as last told to the peer; it never moves back
  u32 limit = 0;       // bytes to which the window may open now
  u32 last_ack_sent = 0;
  u32 fin = 0;  // the peer's FIN; valid once it has been seen
};

/// RFC 6582 and RFC 6675 (which losses), RFC 8985 (when they are seen), RFC 6937 (how fast they
/// are repaired).
struct LossRecovery {
  enum class Phase : u8 { none, reduced, fast, timeout };  // reduced: only slower, by ECN

  Phase phase = Phase::none;
  bool force_retransmit = false;  // the first repair goes out whatever the window says
  bool reordering_seen = false;
  u8 duplicate_acks = 0;
  u8 patience_steps = 0;       // RACK.reo_wnd_mult - 1
  u8 patience_recoveries = 0;  // RACK.reo_wnd_persist
  // Small ones stand together: a connection is weighed by the byte.
  bool undoable = false;       // control_ remembers the window from before the episode
  u8 frto_step = 0;            // RFC 5682: 1 after the time-out, 2 after the first ACK
  bool probe_armed = false;    // Timer::retransmit stands for the probe's PTO (RFC 8985 §7)
  bool probe_now = false;      // the probe is due
  bool probe_repeats = false;  // the probe was a retransmission
  bool probe_out = false;
  u32 point = 0;           // "recover": the phase ends when it is acknowledged
  u32 sacked_bytes = 0;    // in flight, by SACK or guessed from duplicate ACKs
  u32 lost_bytes = 0;      // in flight, marked lost and not sent again yet
  u32 highest_sacked = 0;  // end of the highest delivered record (RACK.fack)
  u32 rack_end = 0;        // RACK.end_seq
  u32 patience_round = 0;  // RACK.dsack_round
  Instant rack_at{};       // RACK.xmit_ts
  Duration rack_rtt{};
  u32 prr_delivered = 0;
  u32 prr_out = 0;
  u32 prr_start = 0;  // RecoverFS

  // Whether an episode was a mistake (RFC 3522, RFC 3708, RFC 5682).
  u32 episode_start = 0;        // SND.UNA when it began
  u32 first_stamp = 0;          // our timestamp on its first retransmission; 0: none sent yet
  u32 first_end = 0;            // end of that one
  u32 retransmitted_bytes = 0;  // not yet reported as duplicates

  u32 probe_end = 0;  // TLP.end_seq; valid while probe_out

  Instant unanswered_since{};  // when what was sent again since was sent first
};

/// What a TIME-WAIT record must remember of a connection.
struct Remembered {
  u32 snd_nxt, rcv_nxt, timestamp_recent;
  u16 window;
  bool timestamps;
};

/// What one acknowledgment brought.
struct Progress {
  u32 acked = 0;         // sequence numbers acknowledged in order
  u32 sacked = 0;        // bytes newly acknowledged out of order
  u32 delivered = 0;     // bytes newly known to be delivered, either way
  u32 guessed = 0;       // bytes of `acked` that duplicate ACKs told of before, without SACK
  u32 overtaken_by = 0;  // how many bytes had got past what was delivered late
  Duration rtt{};        // measured by it; zero: none
  bool duplicate = false;
  bool reported_duplicate = false;  // a DSACK block (RFC 2883)
  bool original_delivered = false;  // something never retransmitted was
  bool window_limited = false;      // the congestion window was what held us back
};

}  // namespace handfast::tcp
