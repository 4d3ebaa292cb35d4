// What must hold of a TCB whenever poll_transmit() has nothing more to say: the order of the
// variables of RFC 9293 §3.3.1, that the books of loss recovery add up, and that something will
// happen where something is awaited.
#include "tcp/connection.hpp"

namespace handfast::tcp {

std::string_view Connection::broken_invariant() const {
  if (state_ == State::closed || state_ == State::time_wait)
    return flight_ == nullptr && send_ring_.empty() ? "" : "an ended connection sends";
  if (state_ == State::listen) return "";
  if (!seq_le(snd_.una, snd_.nxt)) return "SND.UNA =< SND.NXT";
  if (!seq_le(snd_.nxt, fin_sequence() + (fin_sent_ ? 1 : 0))) return "sent more than was queued";
  if (fin_sent_ && !fin_queued_) return "FIN without CLOSE";
  if (const std::string_view broken = broken_books(); !broken.empty()) return broken;
  if (snd_.una != snd_.nxt && !is_armed(Timer::retransmit)) return "in flight without a timer";
  if (!is_synchronized(state_)) return "";
  const bool unsent = data_start() + send_ring_.size() != snd_.nxt && !fin_sent_;
  if (unsent && snd_.una == snd_.nxt && window_room() == 0 && !is_armed(Timer::persist))
    return "waits for a window without a timer";
  if (mss_ != find_mss()) return "the MSS that is kept is not the one that follows";
  if (!seq_le(rcv_.last_ack_sent, rcv_.nxt)) return "acknowledged what did not come";
  if (!seq_le(rcv_.nxt, rcv_.right_edge)) return "RCV.NXT =< right edge of the window";
  if (ranges_ != nullptr && !seq_le(ranges_->end_or(rcv_.nxt), rcv_.right_edge))
    return "kept what lies beyond the window";
  return "";
}

std::string_view Connection::broken_books() const {
  u32 at = snd_.una;
  u32 sacked = 0;
  u32 lost = 0;
  for (u32 i = 0; flight_ != nullptr && i < flight_->size(); ++i) {
    const Sent& record = (*flight_)[i];
    if (record.start != at || !seq_lt(record.start, record.end))
      return "a gap in what is in flight";
    if (record.sacked && record.lost) return "lost and delivered at once";
    at = record.end;
    if (record.sacked) sacked += record.length();
    if (record.lost) lost += record.length();
  }
  if (at != snd_.nxt) return "the flight ends at SND.NXT";
  if (lost != recover_.lost_bytes) return "lost bytes do not add up";
  if (sack_ && sacked != recover_.sacked_bytes) return "bytes delivered out of order do not add up";
  if (recover_.sacked_bytes > snd_.nxt - snd_.una) return "more delivered than is in flight";
  return "";
}

}  // namespace handfast::tcp
