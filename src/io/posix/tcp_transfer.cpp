// send() and recv() of a stream socket: one try each.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>

#include "io/posix/tcp_socket.hpp"

namespace handfast::io::posix {

using tcp::State;

void Transfer::skip_empty() {
  while (!pieces_.empty() && offset_ == pieces_.front().iov_len) {
    pieces_ = pieces_.subspan(1);
    offset_ = 0;
  }
}

MutBytes Transfer::next() const {
  if (pieces_.empty()) return {};
  return {static_cast<u8*>(pieces_.front().iov_base) + offset_, pieces_.front().iov_len - offset_};
}

void Transfer::advance(std::size_t n) {
  offset_ += n;
  done_ += n;
  skip_empty();
}

std::size_t Transfer::left() const { return left_in(pieces_.size()); }

std::size_t Transfer::left_in(std::size_t count) const {
  if (pieces_.empty()) return 0;
  std::size_t sum = 0;
  for (const iovec& piece : pieces_.first(std::min(count, pieces_.size()))) sum += piece.iov_len;
  return sum - offset_;
}

long TcpSocket::receive(Transfer& into, int flags) {
  if (listening_) return -ENOTCONN;
  if (deferred_) return -EAGAIN;
  tcp::Connection* connection = this->connection();
  if (connection == nullptr) return -ENOTCONN;
  if (!ended_ && !connection->is_usable()) {
    if (connection->received_size() == 0) return -EAGAIN;
  }
  if ((flags & MSG_OOB) != 0) return receive_urgent(into);
  const bool peek = (flags & MSG_PEEK) != 0;
  const std::size_t before = into.done();
  u32 skipped = 0;
  while (into.left() > 0) {
    MutBytes room = into.next();
    const Bytes text =
        connection->peek(skipped, to<u32>(std::min<std::size_t>(room.size(), 0x7fff'ffff)));
    if (text.empty()) break;
    const std::size_t n = std::min(text.size(), room.size());
    // MSG_TRUNC of a stream throws away instead of copying (tcp(7)).
    if ((flags & MSG_TRUNC) == 0) std::memcpy(room.data(), text.data(), n);
    into.advance(n);
    if (peek) {
      skipped += to<u32>(n);
    } else {
      connection->consume(to<u32>(n), environment_.now());
    }
  }
  if (into.done() > before) {
    if (!peek) host_.touch(name_, environment_.now());
    return static_cast<long>(into.done() - before);
  }
  if (into.left() == 0 && connection->received_size() > 0) return 0;
  if (before > 0 && error_ != 0) return 0;  // the next call tells of it
  return end_of_stream();
}

bool TcpSocket::is_at_mark() const {
  const tcp::Connection* connection = this->connection();
  return connection != nullptr && connection->urgent_mark() == 0U;
}

long TcpSocket::receive_urgent(Transfer& into) {
  tcp::Connection* connection = this->connection();
  if (connection->settings().urgent_out_of_line && connection->has_urgent()) {
    const MutBytes room = into.next();
    const std::optional<u8> byte = connection->take_urgent();
    if (room.empty()) return 0;
    room[0] = *byte;
    into.advance(1);
    return 1;
  }
  const bool announced = connection->urgent_mark().value_or(0) > 0;
  return connection->settings().urgent_out_of_line && announced ? -EAGAIN : -EINVAL;
}

// Nothing to read: because none came yet, because no more will, or because something broke.
long TcpSocket::end_of_stream() {
  const tcp::Connection* connection = this->connection();
  if (connection->peer_has_closed() && error_ == 0) return 0;
  if (error_ != 0) return -take_error();
  if (read_shut_ || ended_) return 0;
  return -EAGAIN;
}

int TcpSocket::stream_error() {
  const int error = take_error();
  return error != 0 ? -error : -EPIPE;
}

long TcpSocket::send(Transfer& from, int flags, const wire::Endpoint* to_whom) {
  if (listening_) return -EPIPE;
  if (deferred_) return send_early(from, flags, *deferred_);
  if ((flags & MSG_FASTOPEN) != 0 && to_whom != nullptr && from.done() == 0) {
    if ((options.fast_open_flags & FastOpenFlags::client) == 0) return -EOPNOTSUPP;
    if (is_fresh()) return send_early(from, flags, *to_whom);
    const tcp::Connection* under_way = this->connection();
    if (under_way != nullptr && !ended_ && !under_way->is_usable()) return -EALREADY;
  }
  if (early_wait_ && error_ != 0) {
    early_wait_ = false;
    from.forget();
    return -take_error();
  }
  const std::size_t before = from.done();
  const bool broken = error_ != 0 || write_shut_ || ended_ || !name_;
  if (broken && before > 0) return 0;  // the next call tells of it
  if (broken) return stream_error();
  tcp::Connection* connection = this->connection();
  if (connection == nullptr) return -EPIPE;
  if (!tcp::may_send(connection->state()) && !connection->is_early()) {
    const bool opening =
        connection->state() == State::syn_sent || connection->state() == State::syn_received;
    return opening ? -EAGAIN : -EPIPE;
  }
  // A call that waits for room goes on once there is enough of it.
  if (no_space_ && before > 0 && !is_writable()) return -EAGAIN;
  const std::size_t wanted = from.left();
  while (from.left() > 0 && queue_chunk(*connection, from, flags) > 0) {
    // What is queued goes out while the rest is copied, and makes room for it.
    host_.touch(name_, environment_.now());
    environment_.changed();
  }
  if (from.left() > 0) wait_for_space(true);
  if ((flags & MSG_EOR) != 0 && from.left() == 0 && wanted > 0) {
    connection->end_record();
    buffer_closed_ = true;  // what follows begins one of its own
  }
  if (from.done() > before) {
    owe_reports(flags, from.left() == 0);
    return static_cast<long>(from.done() - before);
  }
  return wanted == 0 ? 0 : -EAGAIN;
}

// RFC 7413: what fits goes with the SYN. Without a cookie the SYN asks for one, and the data waits
// for the connection.
long TcpSocket::send_early(Transfer& from, int flags, const wire::Endpoint& to_whom) {
  options.settings.fast_open = true;
  if ((options.fast_open_flags & FastOpenFlags::client_no_cookie) != 0)
    options.settings.fast_open_no_cookie = true;
  deferred_.reset();
  const int begun = start(to_whom);
  if (begun != -EINPROGRESS) return begun;
  connecting_ = false;
  tcp::Connection& connection = *this->connection();
  early_wait_ = !non_blocking && (flags & MSG_DONTWAIT) == 0;
  const u32 room = connection.early_room(environment_.now());
  const bool more = (flags & MSG_MORE) != 0 || (early_wait_ && from.left() > room);
  const long queued = queue(connection, from, room, more, false);
  host_.touch(name_, environment_.now());
  environment_.changed();
  if (queued > 0) owe_reports(flags, true);
  if (early_wait_) return -EAGAIN;
  return queued > 0 ? queued : -EINPROGRESS;
}

bool TcpSocket::is_zerocopy(int flags) const {
  return (flags & MSG_ZEROCOPY) != 0 && options.zerocopy;
}

// What was queued is to be told of once it is sent or acknowledged; `last`: a call ends with it.
void TcpSocket::owe_reports(int flags, bool last) {
  if (is_zerocopy(flags) && last) reports_.add_zerocopy(bytes_queued_);
  reports_.add_stamp(bytes_queued_, options.timestamping);
  if (is_expecting()) expect();
}

// Copies at most `limit` bytes into the send queue; how many.
long TcpSocket::queue(tcp::Connection& connection, Transfer& from, u32 limit, bool more,
                      bool urgent) {
  u32 left = limit;
  while (left > 0 && from.left() > 0) {
    const MutBytes text = from.next();
    const MutBytes room = connection.send_space(to<u32>(std::min<std::size_t>(text.size(), left)));
    if (room.empty()) break;
    const std::size_t n = std::min(room.size(), text.size());
    std::memcpy(room.data(), text.data(), n);
    from.advance(n);
    left -= to<u32>(n);
    const bool last = left == 0 || from.left() == 0;
    if (last && urgent) {
      connection.send_urgent(to<u32>(n));
    } else {
      connection.send(to<u32>(n), !last || more);
    }
  }
  bytes_queued_ += limit - left;
  return limit - left;
}

// As Linux fills the send queue: buffer by buffer, each as large as a super-segment, and a new one
// only while there is memory. So the last may reach beyond the limit.
long TcpSocket::queue_chunk(tcp::Connection& connection, Transfer& from, int flags) {
  const u32 chunk = connection.super_segment_max();
  const u32 not_sent = connection.not_sent();
  buffer_start_ = std::max(buffer_start_, bytes_queued_ - not_sent);
  const u64 buffer_end = not_sent == 0 || buffer_closed_ ? 0 : buffer_start_ + chunk;
  if (buffer_end <= bytes_queued_) {
    if (!has_memory(connection)) return 0;
    buffer_start_ = bytes_queued_;
    buffer_closed_ = false;
  }
  u32 room = to<u32>(buffer_start_ + chunk - bytes_queued_);
  // A page that is not copied is a fragment of a buffer, and a buffer has so many.
  constexpr std::size_t fragments_max = 17;
  const bool zerocopy = is_zerocopy(flags);
  if (zerocopy) room = to<u32>(std::min<std::size_t>(room, from.left_in(fragments_max)));
  const bool rest = from.left() > room;
  const bool full = memory_of(connection, connection.unacknowledged() + room) >= send_limit();
  const long moved = queue(connection, from, room, rest ? !full : (flags & MSG_MORE) != 0,
                           !rest && (flags & MSG_OOB) != 0);
  // PSH after what is more than half of the peer's largest window, which a smaller chunk is.
  constexpr u32 chunk_capped = 60000;
  const bool much = chunk < chunk_capped && bytes_queued_ - bytes_pushed_ > chunk;
  if (rest && (zerocopy || much)) {
    connection.end_record();
    buffer_closed_ = true;
  }
  if (!rest || much) bytes_pushed_ = bytes_queued_;
  return moved;
}

namespace {

// What Linux counts for the head of one buffer, and for one segment where it sizes the queue.
constexpr u32 buffer_overhead = 832;
constexpr u32 segment_memory = 2304;

}  // namespace

u32 TcpSocket::memory_of(const tcp::Connection& connection, u32 queued) {
  const u32 chunk = connection.super_segment_max();
  return queued + (queued + chunk - 1) / chunk * buffer_overhead;
}

u32 TcpSocket::send_limit() const {
  const u32 chosen = options.send_buffer != 0 ? options.send_buffer : options.buffers.send;
  return std::max(chosen, send_buffer_);
}

bool TcpSocket::has_memory(const tcp::Connection& connection) const {
  const u32 low_water = options.settings.not_sent_low_water;
  return memory_of(connection, connection.unacknowledged()) < send_limit() &&
         (low_water == 0 || connection.not_sent() < low_water);
}

// poll(2) tells of room when a third of the buffer is free, and half of the low-water mark.
bool TcpSocket::is_writable() const {
  const tcp::Connection* connection = this->connection();
  if (connection == nullptr) return false;
  const u32 limit = send_limit();
  const u32 used = memory_of(*connection, connection->unacknowledged());
  const u32 low_water = options.settings.not_sent_low_water;
  return used < limit && limit - used >= used / 2 &&
         (low_water == 0 || u64{connection->not_sent()} * 2 < low_water);
}

void TcpSocket::expect() {
  if (std::ranges::find(expecting_, this) == expecting_.end()) expecting_.push_back(this);
}

void TcpSocket::wait_for_space(bool wait) {
  no_space_ = wait;
  if (wait) expect();
  if (tcp::Connection* connection = this->connection()) connection->limit_writer(wait);
}

void TcpSocket::expand_send_buffer(const tcp::Connection& connection) {
  if (options.send_buffer != 0) return;
  const u32 segments =
      std::max(connection.congestion_window() / std::max(connection.mss(), 1u), 10u);
  send_buffer_ =
      std::max(send_buffer_, std::min(2 * segments * segment_memory, options.buffers.send_max));
}

void TcpSocket::on_progress() {
  const tcp::Connection* connection = this->connection();
  take_reports();
  if (!no_space_ || connection == nullptr) return;
  if (connection->unacknowledged() < unacknowledged_seen_) expand_send_buffer(*connection);
  unacknowledged_seen_ = connection->unacknowledged();
  if (!is_writable()) return;
  wait_for_space(false);
  wake(EPOLLOUT | EPOLLWRNORM);
}

void TcpSocket::take_reports() {
  if (reports_.empty()) return;
  const tcp::Connection* connection = this->connection();
  SendReports::Progress progress{
      .sent = bytes_queued_, .acknowledged = bytes_queued_, .over = ended_};
  if (connection != nullptr) {
    progress.sent -= connection->not_sent();
    progress.acknowledged -= connection->unacknowledged();
  }
  if (reports_.take(progress, environment_.now(), errors_)) wake(EPOLLERR);
}

}  // namespace handfast::io::posix
