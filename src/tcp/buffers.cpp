// How much a connection may hold: the receive window follows what the application reads in a round
// trip, and everything gives way when the host's memory runs short.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

// Bytes to which the window may open at most, whatever the application reads.
u32 Tcb::receive_limit_max() const {
  const Settings& s = settings();
  u32 most = context_.config.receive_buffer_max;
  if (s.receive_buffer != 0) most = std::min(most, s.receive_buffer);
  if (s.window_clamp != 0) most = std::min(most, s.window_clamp);
  return most;
}

// Text came in order. The window opens with it, like a slow start, up to what was found useful.
void Connection::open_window(u32 length) {
  if (receive_ring_.size() >= rcv_.limit / 2 || is_short_of_memory()) return;
  const u32 useful = settings().receive_buffer != 0
                         ? receive_limit_max()
                         : std::min(receive_limit_max(), traffic_->receive_space);
  if (rcv_.limit < useful) rcv_.limit = std::min(useful, rcv_.limit + 2 * length);
}

// The application has read: once in a round trip, what it read then is what the window must hold
// twice over, and more where it reads more each time (dynamic right-sizing).
void Connection::tune_receive_buffer(Instant now) {
  if (traffic_ == nullptr) return;
  Traffic& t = *traffic_;
  const u32 read = read_sequence();
  if (t.read_since == Instant{}) {
    t.read_since = now;
    t.read_from = read;
    return;
  }
  const Duration round = receive_rtt();
  if (round == 0ns || now - t.read_since < round) return;
  const u32 copied = read - t.read_from;
  if (copied > t.read_in_round) {
    // A sender in slow start doubles what it sends: room for that before it is needed.
    const u64 grown = u64{copied} * 2 + u64{copied - t.read_in_round} * 4;
    const u64 wanted = grown + u64{16} * mss_now();
    t.receive_space = to<u32>(std::min<u64>(std::max<u64>(t.receive_space, wanted), 1u << 30));
    t.read_in_round = copied;
  }
  t.read_since = now;
  t.read_from = read;
}

// The round trip as a receiver sees it: its own, or the time in which a window's worth comes.
Duration Tcb::receive_rtt() const {
  const Duration own = rtt_.smoothed();
  const Duration seen = traffic_ == nullptr ? 0ns : traffic_->window_time;
  if (own == 0ns) return seen;
  return seen == 0ns ? own : std::min(own, seen);
}

void Connection::measure_window_time(Instant now) {
  Traffic& t = *traffic_;
  if (t.window_begun != Instant{} && seq_lt(rcv_.nxt, t.window_end)) return;
  if (t.window_begun != Instant{}) {
    const Duration time = now - t.window_begun;
    t.window_time = t.window_time == 0ns ? time : std::min(t.window_time, time);
  }
  t.window_begun = now;
  t.window_end = rcv_.nxt + window_advertised();
}

// Three quarters of what all rings together may hold: what is open stays so, nothing grows.
bool Tcb::is_short_of_memory() const {
  const u64 most = context_.buffers.bytes_max();
  return context_.buffers.bytes_lent() > most / 4 * 3;
}

// What came out of order was never promised to be kept (RFC 2018 §8), and goes first.
bool Connection::drop_out_of_order() {
  if (ranges_ == nullptr) return false;
  context_.ranges.give(std::move(ranges_));
  ++context_.counters.reassemblies_pruned;
  return true;
}

}  // namespace handfast::tcp
