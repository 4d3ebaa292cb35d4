// RFC 9293: one TCP connection, sans I/O. Input through on_*(), output through poll_*(), the user
// calls of §3.9.1 as plain verbs; `now` never goes back. Drain poll_transmit() and poll_event()
// after each input.
#pragma once

#include <memory>
#include <optional>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/half_open.hpp"
#include "tcp/info.hpp"
#include "tcp/output.hpp"
#include "tcp/tcb.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

class Connection : private Tcb {
 public:
  /// Makes a TCB in CLOSED. `path_mtu` is in bytes of IP packet. Without settings the host's
  /// defaults hold.
  Connection(Context& context, const wire::Flow& flow, u32 path_mtu,
             SharedSettings* settings = nullptr);

  /// §3.10.1, active OPEN. `from` is LISTEN where a listener turns into a caller.
  void open(Instant now, State from = State::closed);
  /// A passive open whose SYN was answered by a half-open entry: begins in SYN_RECEIVED.
  void accept(const HalfOpen& half_open, Instant now);
  /// After accept(), where the SYN had a good Fast Open cookie: the connection may be used before
  /// the handshake ends. Returns how much of the SYN's data was taken.
  u32 take_early(Bytes text, Instant now);

  void on_segment(const wire::TcpSegment& segment, u8 ecn, Instant now);
  /// Takes the usual segment without the eight steps. `sum`: as PlainSegment's; null: verified.
  Predicted on_predicted(const wire::TcpSegment& segment, wire::Checksum* sum, u8 ecn, Instant now);
  void on_deadline(Instant now);
  /// An ICMP error about a segment of ours that began at `sequence` (RFC 5927, RFC 9293 §3.9.2.2).
  void on_icmp(const wire::IcmpError& error, u32 sequence, Instant now);
  Instant deadline() const { return next_timer(); }
  /// The next segment to send, of at most `payload_max` bytes (0: one MSS), until there is none.
  std::optional<Transmit> poll_transmit(u32 payload_max, Instant now);
  std::optional<Event> poll_event();
  bool has_event() const { return events_ != 0; }

  /// Contiguous room for what is to be sent, at most `wanted` bytes; empty when the buffer is full
  /// (then `writable` follows) or CLOSE was called.
  MutBytes send_space(u32 wanted);
  /// There was no memory for send_space(): touch the connection, and `writable` follows.
  bool is_starved() const { return wants_room_ && send_ring_.empty(); }
  void limit_writer(bool on) { writer_limited_ = on; }  // it keeps to less than send_space()
  /// Queues the first `n` bytes of what send_space() gave (§3.10.2). `more`: hold a part segment.
  void send(u32 n, bool more = false);
  /// What is queued so far shares no segment with what follows (MSG_EOR), if 64 borders suffice.
  void end_record();
  /// The same, and the peer hears that what comes up to its end is urgent (RFC 6093).
  void send_urgent(u32 n);
  /// Bytes to read before the mark of the peer's urgent data, if there is one (SIOCATMARK: 0).
  std::optional<u32> urgent_mark() const;
  /// The urgent byte, once, where Settings::urgent_out_of_line takes it out of the stream.
  std::optional<u8> take_urgent();
  bool has_urgent() const { return traffic_ != nullptr && traffic_->urgent_arrived; }
  /// The first contiguous piece of what came in order (§3.10.3).
  Bytes received() const;
  /// How much may be read, up to a mark of urgent data (SIOCINQ).
  u32 received_size() const;
  /// The first contiguous piece of it beyond `offset`, at most `length` bytes.
  Bytes peek(u32 offset, u32 length) const;
  void consume(u32 n, Instant now);
  /// The most that goes out as one super-segment, in whole segments: half of the peer's largest
  /// window, at most 64 KiB.
  u32 super_segment_max() const;
  u32 mss() const { return mss_now(); }
  /// §3.10.4, CLOSE: no more will be sent; what is queued goes first. Receiving goes on.
  void close(Instant now);
  /// The application will not read any more either: data that still comes is answered by RST.
  void release(Instant now);
  /// §3.10.5, ABORT: RST to the peer, everything queued is gone.
  void abort(Instant now);

  using Tcb::settings, Tcb::text_max;
  void change(const Settings& wanted, Instant now);
  /// RFC 8201, RFC 1191: what the route carries now, in bytes of IP packet.
  void set_path_mtu(u32 mtu, Instant now);

  /// How much of what is sent before the first poll_transmit() the SYN will carry (RFC 7413): 0
  /// unless Settings::fast_open is on and the server's cookie is known.
  u32 early_room(Instant now) const;
  /// An application may send and receive, or could have.
  bool is_usable() const { return is_synchronized(state_) || is_early(); }
  bool is_early() const { return state_ == State::syn_received && early_ && !fast_open_; }
  State state() const { return state_; }
  Errc error() const { return error_; }
  const wire::Flow& flow() const { return flow_; }
  bool peer_has_closed() const { return peer_fin_received_; }
  bool is_released() const { return released_; }
  /// Bytes queued or in flight, not yet acknowledged (SIOCOUTQ).
  u32 unacknowledged() const { return send_ring_.size(); }
  /// Bytes queued and never sent (SIOCOUTQNSD).
  u32 not_sent() const;
  Info info(Instant now) const;
  u32 congestion_window() const { return control_.window(); }
  Duration smoothed_rtt() const { return rtt_.smoothed(); }
  const Context& context() const { return context_; }

  Remembered remembered() const;
  /// For tests and fuzzers: what is wrong with this TCB once all is drained; empty: nothing.
  std::string_view broken_invariant() const;

 private:
  void enter(State next, Instant now, trace::Why why);
  void end(Errc code, Instant now, trace::Why why);

  // segment_arrives.cpp, RFC 9293 §3.10.7
  void arrives_in_syn_sent(const wire::TcpSegment& segment, u8 ecn, Instant now);
  void arrives_synchronized(const wire::TcpSegment& segment, u8 ecn, Instant now);
  bool first_check_sequence_number(const wire::TcpSegment& segment, Instant now);
  bool second_check_rst(const wire::TcpSegment& segment, Instant now);
  bool fourth_check_syn(const wire::TcpSegment& segment, Instant now);
  bool fifth_check_ack(const wire::TcpSegment& segment, Instant now);
  void sixth_check_urg(const wire::TcpSegment& segment);
  void seventh_process_text(const wire::TcpSegment& segment, Instant now);
  void eighth_check_fin(const wire::TcpSegment& segment, Instant now);
  void take_user_timeout(const wire::TcpOptions& options);
  bool survives_paws(const wire::TcpSegment& segment) const;
  void note_received(const wire::TcpSegment& segment, Instant now);
  void note_alive(Instant now);
  void drop(wire::Drop reason, Instant now);
  void take_syn_options(const wire::TcpHeader& syn);
  void note_timestamp(const wire::TcpSegment& segment, Instant now);

  // urgent.cpp
  void point_to_urgent(wire::TcpHeader& header) const;
  void settle_urgent();

  // ecn.cpp
  static u16 ecn_offer(const Settings& settings, u8 retries);
  void take_ecn_answer(const wire::TcpHeader& syn_ack, u8 ecn);
  void note_mark(const wire::TcpSegment& segment, u8 ecn, Instant now);
  u8 mark_outgoing(wire::TcpHeader& header, bool fresh);
  void react_to_echo(const wire::TcpHeader& header, u32 una_before, u32 delivered, Instant now);

  // path_mtu.cpp
  void resend_large(Instant now);
  void trust_mtu_search();
  void begin_mtu_search();
  void suspect_black_hole();
  u32 mtu_probe_size(u32 unsent, Instant now) const;
  bool transmit_mtu_probe(Out& out, u32 unsent, Instant now);
  void judge_mtu_probe(Instant now);
  bool forgive_mtu_probe(Instant now);

  // buffers.cpp
  void open_window(u32 length);
  void tune_receive_buffer(Instant now);
  void measure_window_time(Instant now);
  bool drop_out_of_order();

  // receive.cpp
  void take_in_order(Bytes text, bool pushed, Instant now);
  AckPolicy::Now ack_circumstances(Instant now) const;
  void hurry_acks(u32 count, Instant now);
  void commit_in_order(u32 length, bool pushed, Instant now);
  void keep_out_of_order(u32 sequence, Bytes text, Instant now);
  void schedule_ack(Instant now);
  void report_duplicate(u32 left, u32 right);
  u32 window_to_advertise();

  // acknowledgment.cpp: the ESTABLISHED part of the fifth check
  void process_ack(const wire::TcpSegment& segment, Instant now);
  void update_send_window(const wire::TcpSegment& segment, bool newer);
  void acknowledge(u32 ack, const wire::TcpHeader& header, Progress& progress, Instant now);
  void take_sack_blocks(const wire::TcpHeader& header, Progress& progress, Instant now);
  bool cut_to_block(u32& i, const wire::SackBlock& block);
  std::optional<Duration> sample_from_echo(const wire::TcpHeader& header, Instant now) const;
  void note_delivered(const Sent& record, Progress& progress, Instant now);
  void fin_acknowledged(Instant now);
  std::string_view broken_books() const;

  // recovery.cpp
  void adapt_patience(const Progress& progress);
  void detect_loss(const Progress& progress, Instant now);
  void detect_loss_by_time(Instant now);
  void detect_loss_by_duplicates(const Progress& progress, Instant now);
  void mark_lost(u32 index);
  void mark_first_segment_lost();
  void enter_fast_recovery(Instant now, trace::Why why);
  void begin_reduction(Instant now);
  void trace_window(trace::Why why, Instant now);
  AckSample make_sample(const Progress& progress, Instant now) const;
  void after_ack(const Progress& progress, Instant now);
  void proportional_reduction(const Progress& progress);

  // spurious.cpp: was the loss one? (RFC 2883, RFC 3522, RFC 3708, RFC 5682)
  void begin_episode(Instant now);
  void note_duplicate_report(const wire::SackBlock& block);
  void judge_episode(const wire::TcpHeader& header, const Progress& progress, Instant now);
  void undo_episode(Instant now, trace::Why why);

  // tail_probe.cpp: RFC 8985 §7
  bool arm_tail_probe(Instant now);
  void on_tail_probe(Instant now);
  bool transmit_tail_probe(Out& out, Instant now);
  void end_tail_probe(const Progress& progress, Instant now);

  // info.cpp
  Traffic& traffic();
  void report_flight(Info& out) const;
  void report_traffic(Info& out, Instant now) const;

  // transmit.cpp
  void fill_header(wire::TcpHeader& h, u32 sequence, u16 flags, Instant now);
  void fill_syn(wire::TcpHeader& h, u16 flags, Instant now);
  void add_sack_blocks(wire::TcpOptions& options);
  void transmit_reset(Out& out, Instant now);
  bool transmit_lost(Out& out, u32 payload_max, Instant now);
  bool transmit_new(Out& out, u32 payload_max, Instant now);
  void transmit_range(Out& out, u32 start, u32 end, trace::Why why, Instant now);
  void transmit_empty(Out& out, u32 sequence, trace::Why why, Instant now);
  void note_sent(const Transmit& out, trace::Why why, Instant now);
  u32 record_left(u32 unsent);
  u32 sendable(u32 unsent, u32 burst, Instant now);
  void record_sent(u32 start, u32 end, Instant now);
  void watch_window(Instant now);
  void count_retransmitted(u32 length);

  // validation.cpp, and early_data.cpp from transmit_first_syn() on
  void note_window_use(bool limited, Instant now);
  void restart_after_idle(Instant now);
  void note_wait(Instant now);
  bool may_send_now(Instant now);
  void pace(u32 bytes, Instant now);
  void transmit_first_syn(Out& out, Instant now);
  void note_early_answer(const wire::TcpHeader& syn_ack, bool repeated, Instant now);
  void note_early_timeout(bool last, Instant now);

  // timeouts.cpp
  void restart_retransmit_timer(Instant now);
  void on_retransmit_timeout(Instant now);
  void on_persist_timeout(Instant now);
  void on_keepalive_timeout(Instant now);
  void restart_keepalive(Instant now);
  bool asks_for_answer() const;
  void trace_timer(std::string_view timer, trace::Why why, Instant now);
  void give_up(trace::Why why, Instant now);
};

}  // namespace handfast::tcp
