// RFC 9293 §3.10.7.4, seventh: text goes into the receive ring, in or out of order, and the window
// follows (§3.8.6.2.2); when to acknowledge is RFC 1122 §4.2.3.2 and RFC 5681 §4.2.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::Drop;

void Connection::take_in_order(Bytes text, bool pushed, Instant now) {
  const u32 length = to<u32>(text.size());
  const u32 beyond = ranges_ == nullptr ? 0 : ranges_->end_or(rcv_.nxt) - rcv_.nxt;
  const u32 stored = receive_ring_.size();
  if (!receive_ring_.reserve(stored + std::max(length, beyond), context_.buffers, beyond) &&
      !(drop_out_of_order() && receive_ring_.reserve(stored + length, context_.buffers))) {
    drop(Drop::queue_full, now);
    return;
  }
  receive_ring_.write_at(stored, text);
  commit_in_order(length, pushed, now);
}

// `length` bytes have been written behind the content of the ring.
void Connection::commit_in_order(u32 length, bool pushed, Instant now) {
  u32 next = rcv_.nxt + length;
  const bool filled_hole = ranges_ != nullptr;
  if (filled_hole) {
    next = ranges_->advance(next);
    if (ranges_->empty()) context_.ranges.give(std::move(ranges_));
  }
  receive_ring_.commit(next - rcv_.nxt);
  context_.counters.bytes_in += next - rcv_.nxt;
  traffic().bytes_received += next - rcv_.nxt;
  rcv_.nxt = next;
  traffic_->acks.on_text(length, pushed, ack_circumstances(now));
  measure_window_time(now);
  open_window(length);
  tell(Event::readable);
  if (filled_hole) {
    ack_now_ = true;  // RFC 5681 §4.2: "when the incoming segment fills in all or part of a gap"
  } else {
    schedule_ack(now);
  }
}

void Connection::keep_out_of_order(u32 sequence, Bytes text, Instant now) {
  ack_now_ = true;  // RFC 5681 §4.2: "A TCP receiver SHOULD send an immediate duplicate ACK"
  ++context_.counters.out_of_order;
  ++traffic().out_of_order;
  const u32 offset = receive_ring_.size() + (sequence - rcv_.nxt);
  const u32 end = offset + to<u32>(text.size());
  const u32 beyond = ranges_ == nullptr ? 0 : ranges_->end_or(rcv_.nxt) - rcv_.nxt;
  const u32 needed = std::max(end, receive_ring_.size() + beyond);
  if ((end > receive_ring_.capacity() && is_short_of_memory()) ||
      !receive_ring_.reserve(needed, context_.buffers, beyond)) {
    drop(Drop::reassembly_full, now);
    return;
  }
  if (ranges_ == nullptr) ranges_ = context_.ranges.take();
  if (ranges_->contains(sequence, sequence + to<u32>(text.size())))
    report_duplicate(sequence, sequence + to<u32>(text.size()));
  if (!ranges_->add(sequence, sequence + to<u32>(text.size()),
                    context_.config.reassembly_ranges_max)) {
    drop(Drop::reassembly_full, now);
    return;
  }
  receive_ring_.write_at(offset, text);
}

void Connection::report_duplicate(u32 left, u32 right) {
  if (!context_.config.duplicate_sack) return;
  duplicate_ = {left, right};
  duplicate_to_report_ = true;
}

void Connection::schedule_ack(Instant now) {
  // RFC 9293 SHLD-19: at least every second full-sized segment.
  if (traffic_->acks.is_due(rcv_.nxt - rcv_.last_ack_sent)) {
    ack_now_ = true;
  } else if (!is_armed(Timer::delayed_ack)) {
    set_timer(Timer::delayed_ack,
              now + traffic_->acks.delay(context_.config.delayed_ack, rtt_.smoothed()));
  }
}

AckPolicy::Now Connection::ack_circumstances(Instant now) const {
  const Config& config = context_.config;
  return {now, config.delayed_ack, rtt_.timeout(config), window_advertised(), config.quick_acks};
}

void Connection::hurry_acks(u32 count, Instant now) {
  traffic().acks.hurry(count, ack_circumstances(now));
}

u32 Tcb::window_available() const {
  const u32 size = receive_ring_.size();
  const u32 open = rcv_.limit > size ? rcv_.limit - size : 0;
  if (!is_short_of_memory()) return open;
  // What is held already may be used; beyond it as little as keeps the connection alive.
  return std::min(open, std::max(receive_ring_.room(), 2 * mss_now()));
}

// Never move the right edge back (§3.8.6: "strongly discouraged"), and forward only in steps worth
// telling (§3.8.6.2.2).
u32 Tcb::window_to_tell() const {
  const u32 told = window_advertised();
  const u32 unit = (1u << receive_scale_) - 1;
  const u32 open = window_available() & ~unit;
  const u32 step = std::min(rcv_.limit / 2, mss_now());
  u32 window = told;
  if (open >= told + step || (open > told && told >= step)) window = open;
  window = (window + unit) & ~unit;
  return std::min(window, 65535u << receive_scale_);
}

u32 Connection::window_to_advertise() {
  const u32 told = window_advertised();
  const u32 window = window_to_tell();
  if (window == 0 && told > 0) ++context_.counters.windows_closed;
  rcv_.right_edge = seq_max(rcv_.right_edge, rcv_.nxt + window);
  return window;
}

}  // namespace handfast::tcp
