// RFC 6093 and RFC 9293 §3.8.5: a mark in the stream. One mark is kept for each direction; a newer
// one takes the place of an older. What an application calls "out of band" is the byte before the
// urgent pointer, taken out of the stream where Settings::urgent_out_of_line asks for that.
#include <algorithm>

#include "tcp/connection.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

void Connection::send_urgent(u32 n) {
  send(n);
  if (n == 0) return;
  Traffic& t = traffic();
  t.urgent_to_send = true;
  t.urgent_send_end = data_start() + send_ring_.size();
}

// §3.1: "the sequence number of the octet following the urgent data", as an offset; RFC 6093 §4.
void Connection::point_to_urgent(wire::TcpHeader& header) const {
  if (!seq_lt(header.sequence, traffic_->urgent_send_end)) return;
  const u32 offset = traffic_->urgent_send_end - header.sequence;
  header.flags |= TcpFlags::urg;
  header.urgent_pointer = to<u16>(std::min<u32>(offset, 0xffff));
}

u32 Tcb::read_sequence() const {
  return rcv_.nxt - (peer_fin_received_ ? 1 : 0) - receive_ring_.size();
}

void Connection::sixth_check_urg(const wire::TcpSegment& segment) {
  const wire::TcpHeader& h = segment.header;
  if (!h.has(TcpFlags::urg) || h.urgent_pointer == 0 || !may_receive(state_)) return;
  const u32 mark = h.sequence + h.urgent_pointer - 1;
  // Old news: what was read already, or what came before, is not urgent any more.
  if (seq_lt(mark, read_sequence()) || seq_lt(mark, rcv_.nxt)) return;
  Traffic& t = traffic();
  if (t.urgent_announced && seq_le(mark, t.urgent_sequence)) return;
  ++context_.counters.urgent_marks_in;
  t.urgent_announced = true;
  t.urgent_arrived = false;
  t.urgent_sequence = mark;
  tell(Event::urgent);
}

// After text came, or was read: the urgent byte is picked up, and skipped where it is out of line.
void Connection::settle_urgent() {
  if (traffic_ == nullptr || !traffic_->urgent_announced) return;
  Traffic& t = *traffic_;
  const u32 offset = t.urgent_sequence - read_sequence();
  const u32 passed = t.urgent_sequence + (settings().urgent_out_of_line ? 1 : 0);
  if (seq_lt(passed, read_sequence())) {
    t.urgent_announced = false;
    return;
  }
  if (offset >= receive_ring_.size()) return;
  if (!t.urgent_arrived) {
    const auto pieces = receive_ring_.view(offset, 1);
    t.urgent_byte = pieces[0].empty() ? pieces[1][0] : pieces[0][0];
    t.urgent_arrived = true;
    tell(Event::urgent);
  }
  if (offset == 0 && settings().urgent_out_of_line) receive_ring_.consume(1);
}

Bytes Connection::received() const {
  const Bytes front = receive_ring_.front();
  return front.first(std::min<std::size_t>(front.size(), received_size()));
}

u32 Connection::received_size() const {
  const u32 size = receive_ring_.size();
  if (traffic_ == nullptr || !traffic_->urgent_announced) return size;
  const u32 offset = traffic_->urgent_sequence - read_sequence();
  // One read does not go over the mark, so that the application can see it.
  return offset == 0 || offset >= size ? size : offset;
}

std::optional<u32> Connection::urgent_mark() const {
  if (traffic_ == nullptr || !traffic_->urgent_announced) return std::nullopt;
  const u32 next = read_sequence();
  const u32 mark = traffic_->urgent_sequence;
  if (seq_ge(mark, next)) return mark - next;
  // The out-of-line byte itself has been skipped, and nothing behind it was read.
  return mark + 1 == next && settings().urgent_out_of_line ? std::optional<u32>(0) : std::nullopt;
}

std::optional<u8> Connection::take_urgent() {
  if (traffic_ == nullptr || !traffic_->urgent_arrived || !settings().urgent_out_of_line)
    return std::nullopt;
  traffic_->urgent_arrived = false;
  return traffic_->urgent_byte;
}

}  // namespace handfast::tcp
