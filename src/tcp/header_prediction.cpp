// Van Jacobson's header prediction (RFC 7323 §4.1 knows it too): ahead of the eight steps, for the
// segment that nearly always comes in ESTABLISHED: the next one in order, or an acknowledgment,
// with no option but timestamps, while nothing is lost. What it does is what the steps would do.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

bool Tcb::is_predicted(const wire::TcpSegment& segment, u8 ecn) const {
  const wire::TcpHeader& h = segment.header;
  const u32 length = to<u32>(segment.payload.size());
  if (state_ != State::established || !context_.config.header_prediction) return false;
  if ((h.flags & ~TcpFlags::psh) != TcpFlags::ack || ecn != 0) return false;
  // First check and PAWS: all of it is inside the window, and nothing before it is missing.
  if (h.sequence != rcv_.nxt || length > window_advertised() || ranges_ != nullptr) return false;
  if (h.options.sack_count != 0 || h.options.user_timeout) return false;
  if (h.options.timestamps.has_value() != timestamps_) return false;
  if (timestamps_ && seq_lt(h.options.timestamps->value, timestamp_recent_)) return false;
  // Fifth check: it acknowledges what was sent, and no loss is being repaired or judged.
  if (seq_lt(h.acknowledgment, snd_.una) || seq_gt(h.acknowledgment, snd_.nxt)) return false;
  if (!sack_ || recover_.phase != LossRecovery::Phase::none || recover_.sacked_bytes != 0 ||
      recover_.lost_bytes != 0 || recover_.probe_out || recover_.frto_step != 0)
    return false;
  // No marks of routers, nothing urgent, no FIN that waits for what is missing, and somebody to
  // take the text.
  const bool urgent = traffic_ != nullptr && traffic_->urgent_announced;
  return !ecn_ && !accurate_.is_on() && !urgent && !fin_seen_ && !released_;
}

Predicted Connection::on_predicted(const wire::TcpSegment& segment, wire::Checksum* sum, u8 ecn,
                                   Instant now) {
  if (!is_predicted(segment, ecn)) return Predicted::no;
  const Bytes text = segment.payload;
  const u32 length = to<u32>(text.size());
  const u32 stored = receive_ring_.size();
  if (sum != nullptr) {
    // Behind the content nobody looks until it is committed: there the text may yet prove corrupt.
    // A ring that has to grow for it waits until that is known; one that has no block yet can give
    // it back.
    if (stored == 0 && receive_ring_.capacity() == 0)
      receive_ring_.reserve(length, context_.buffers);
    if (receive_ring_.capacity() - stored >= length) {
      const auto [first, second] = receive_ring_.space_at(stored, length);
      sum->add_copy(text.first(first.size()), first.data());
      if (!second.empty()) sum->add_copy(text.subspan(first.size()), second.data());
    } else {
      sum->add(text);
    }
    if (sum->sum() != 0xffff) {
      receive_ring_.release_if_empty(context_.buffers);
      return Predicted::corrupt;
    }
  }
  if (sum == nullptr || receive_ring_.capacity() - stored < length) {
    if (!receive_ring_.reserve(stored + length, context_.buffers)) return Predicted::no;
    receive_ring_.write_at(stored, text);
  }
  const wire::TcpHeader& h = segment.header;
  note_received(segment, now);
  note_alive(now);
  if (traffic_ != nullptr) traffic_->ack_received_at = now;
  if (length > 0 && h.acknowledgment == snd_.una && u32{h.window} << send_scale_ == snd_.wnd) {
    // This is all that process_ack() would do: acknowledgment and window tell nothing new, as in
    // the text of a peer to whom nothing is said.
    update_send_window(segment, false);
    note_room(now);
  } else {
    process_ack(segment, now);
  }
  note_timestamp(segment, now);
  more_held_ = false;
  if (length > 0) commit_in_order(length, h.has(TcpFlags::psh), now);
  return Predicted::taken;
}

}  // namespace handfast::tcp
