// RFC 9293 §3.3.1: the Transmission Control Block, that is every variable of a connection. What is
// large is attached only while it is needed: the rings, what is in flight, what came out of order.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "base/ring.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/accurate_ecn.hpp"
#include "tcp/congestion/control.hpp"
#include "tcp/context.hpp"
#include "tcp/error.hpp"
#include "tcp/output.hpp"
#include "tcp/rtt.hpp"
#include "tcp/state.hpp"
#include "tcp/variables.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

class Tcb {
 public:
  Tcb(const Tcb&) = delete;
  Tcb& operator=(const Tcb&) = delete;

 protected:
  enum class Timer : u8 {
    retransmit,  // RFC 6298, and the loss probe of RFC 8985 §7 where it comes first
    persist,
    delayed_ack,
    reorder,  // RFC 8985 §6.3
    keepalive,
    fin_wait_2,
    count_
  };

  /// Without settings the host's defaults hold.
  Tcb(Context& context, const wire::Flow& flow, u32 path_mtu, SharedSettings* settings);
  ~Tcb();

  // What follows from the variables.
  const Settings& settings() const { return settings_->value; }
  void set_timer(Timer timer, Instant at) { timers_[to<u8>(timer)] = at; }
  void stop_timer(Timer timer) { set_timer(timer, never); }
  Instant next_timer() const {
    Instant first = timers_[0];
    for (const Instant at : timers_) first = std::min(first, at);
    return pacing_ && traffic_ != nullptr ? std::min(first, traffic_->pacer.next()) : first;
  }
  bool is_armed(Timer timer) const { return timers_[to<u8>(timer)] != never; }
  static constexpr u16 bit(Event event) { return to<u16>(1u << to<u8>(event)); }
  void tell(Event event) { events_ |= bit(event); }
  /// The sequence number of the first byte in the send ring, and the one behind its last.
  u32 data_start() const { return snd_.una == snd_.iss ? snd_.iss + 1 : snd_.una; }
  u32 fin_sequence() const { return data_start() + send_ring_.size(); }
  /// Text or a FIN that was never sent.
  bool has_unsent() const { return !fin_sent_ && (fin_queued_ || fin_sequence() != snd_.nxt); }
  u32 in_flight() const {
    const u32 out = snd_.nxt - snd_.una;
    const u32 gone = recover_.sacked_bytes + recover_.lost_bytes;
    return out > gone ? out - gone : 0;
  }
  /// How far the peer's window still lets SND.NXT go.
  u32 window_room() const;
  u32 window_advertised() const { return rcv_.right_edge - rcv_.nxt; }
  /// The sequence number of what the application reads next.
  u32 read_sequence() const;
  Duration receive_rtt() const;
  bool is_short_of_memory() const;
  /// The MSS that an MTU allows, the one that holds now, and what of it SACK blocks leave for text.
  u32 mss_for(u32 mtu) const;
  u32 mss_now() const { return mss_; }
  /// After anything that mss_now() depends on has changed.
  void settle_mss() { mss_ = find_mss(); }
  u16 find_mss() const;
  u32 text_max() const {
    return ranges_ == nullptr && !duplicate_to_report_ ? mss_now() : text_max_beside_blocks();
  }
  /// How many segments carry so many bytes.
  u32 segments_of(u32 bytes) const {
    const u32 mss = mss_now();
    return bytes <= mss ? 1 : (bytes + mss - 1) / mss;
  }

  bool is_urgent() const {
    return traffic_ != nullptr && traffic_->urgent_to_send &&
           seq_lt(snd_.una, traffic_->urgent_send_end);
  }
  bool is_record_end(u32 sequence) const;
  u32 packets_in(u32 length) const;
  bool uses_window() const;
  u32 guessed_before(const Progress& progress) const;
  bool echoes_syn(const wire::TcpHeader& header, Instant now) const;
  bool is_paced() const {
    return traffic_ != nullptr && (settings().pacing || settings().pacing_rate_max != 0);
  }
  u64 pacing_rate() const;
  u32 timestamp_now(Instant now) const;
  bool may_challenge(Instant now);
  Duration persist_interval() const;
  bool is_patience_over(Instant now) const;
  Instant within_patience(Instant due, Instant now) const;
  u32 patience() const;
  Duration user_timeout() const;
  u32 receive_limit_max() const;
  u32 window_available() const;
  u32 window_to_tell() const;
  u32 burst_max(u32 payload_max) const;
  u32 send_limit() const;
  void note_room(Instant now);
  bool may_send_part(u32 length, u32 unsent) const;

  u32 text_max_beside_blocks() const;
  bool is_predicted(const wire::TcpSegment& segment, u8 ecn) const;

  Context& context_;
  SharedSettings* settings_;
  wire::Flow flow_;
  State state_ = State::closed;
  Errc error_ = Errc::none;
  u16 events_ = 0;
  u8 probes_ = 0;  // unanswered keepalive or window probes
  u8 send_scale_ : 4 = 0;
  u8 receive_scale_ : 4 = 0;
  u8 retries_ = 0;  // time-outs since the last progress
  u8 persist_backoff_ = 0;
  bool timestamps_ : 1 = false;
  bool scaling_ : 1 = false;
  bool sack_ : 1 = false;
  bool ecn_ : 1 = false;  // what is sent is ECN-capable
  bool tell_user_timeout_ : 1 = false;
  bool ack_now_ : 1 = false;
  bool open_ack_ : 1 = false;  // the handshake's third segment goes out on its own
  bool probe_now_ : 1 = false;
  bool window_update_ : 1 = false;
  bool reset_now_ : 1 = false;
  bool reset_with_ack_ : 1 = false;
  bool fin_queued_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool fin_acked_ : 1 = false;
  bool peer_fin_received_ : 1 = false;
  bool fin_seen_ : 1 = false;  // at rcv_.fin, perhaps beyond text that is missing
  bool released_ : 1 = false;
  bool wants_room_ : 1 = false;
  bool writer_limited_ : 1 = false;          // by itself, for now
  bool more_coming_ : 1 = false;             // the last SEND said so
  bool more_held_ : 1 = false;               // and that still keeps a part segment here
  bool pacing_ : 1 = false;                  // something waits for the pacer
  bool push_now_ : 1 = false;                // part segments go, whatever Nagle or a cork says
  bool duplicate_to_report_ : 1 = false;     // duplicate_ goes into the next ACK (RFC 2883)
  bool fast_open_ : 1 = false;               // our first SYN had the option (RFC 7413)
  bool fast_open_experimental_ : 1 = false;  // as kind 254
  bool early_ : 1 = false;                   // a SYN carried data; passive: or could have
  bool early_acked_ : 1 = false;             // and it was acknowledged, by them or by us
  u16 peer_mss_;
  u16 mtu_;
  AccurateEcn accurate_;
  u16 mss_;
  u16 mtu_proven_ = 0xffff;  // RFC 4821: where less than mtu_, what is sent is smaller
  u8 challenge_second_ = 0;  // the one in which challenges_ went out, modulo 256
  u8 challenges_ = 0;
  u32 reset_sequence_ = 0;
  u32 timestamp_recent_ = 0;
  u32 timestamp_offset_;
  wire::SackBlock duplicate_{};
  Instant timestamp_recent_at_{};
  Instant received_at_{};  // the last segment from the peer
  Instant text_sent_at_{};
  SendVariables snd_;
  ReceiveVariables rcv_;
  RttEstimator rtt_;
  CongestionControl control_;
  LossRecovery recover_;
  Ring send_ring_;
  Ring receive_ring_;
  std::unique_ptr<Flight> flight_;
  std::unique_ptr<Ranges> ranges_;
  std::unique_ptr<Traffic> traffic_;  // from the first data on
  std::array<Instant, to<u8>(Timer::count_)> timers_;
};

}  // namespace handfast::tcp
