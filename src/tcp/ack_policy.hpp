// RFC 9293 §3.8.6.3, RFC 5681 §4.2: when text that came in order is acknowledged. At once while the
// peer's window may still be small, later where the application will answer anyway.
#pragma once

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

class AckPolicy {
 public:
  /// What is true of the connection when text comes.
  struct Now {
    Instant now;
    Duration least;  // the shortest delay: Config::delayed_ack
    Duration timeout;
    u32 window;  // as advertised
    u32 quick_max;
  };

  /// In-order text of `length` bytes came. `pushed`: its segment had PSH.
  void on_text(u32 length, bool pushed, const Now& now);
  /// The peer took our SYN, and text of ours is about to answer it.
  void on_open(const Now& now);
  /// A segment with new text left: who answers at once lets ACKs ride on the answers.
  void on_text_sent(Instant now);
  /// Something left that acknowledged `news` (or nothing new).
  void on_ack_sent(bool news, Duration least);
  /// The delay is over, and nothing carried the ACK.
  void on_timer(Duration least, Duration timeout);
  /// Something is wrong or lost: the next few are acknowledged at once.
  void hurry(u32 count, const Now& now);
  void set_interactive(bool on) { interactive_ = on; }
  /// The largest segment that may still count as full, before any came.
  void expect_segments_of(u32 bytes) { mss_ = to<u16>(bytes); }

  /// `waiting` bytes are not acknowledged yet.
  bool is_due(u32 waiting) const { return (quick_ > 0 && !interactive_) || waiting > mss_; }
  /// The application has read all there is.
  bool is_due_after_read(u32 waiting) const {
    return waiting > mss_ || pushed_twice_ || (pushed_ && !interactive_);
  }
  Duration delay(Duration least, Duration smoothed) const;
  bool is_interactive() const { return interactive_; }
  Duration ato() const { return ato_; }
  u16 mss() const { return mss_; }
  Instant text_at() const { return text_at_; }

 private:
  void measure(u32 length, bool pushed);
  void refill(u32 count, const Now& now);

  Duration ato_{};  // zero: nothing came yet
  Instant text_at_{};
  u16 mss_ = 536;
  u16 last_length_ = 0;
  u8 quick_ = 0;
  bool interactive_ = false;
  bool pushed_ = false;
  bool pushed_twice_ = false;
};

}  // namespace handfast::tcp
