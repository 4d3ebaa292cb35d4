// The calls that move bytes.
#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "io/posix/address.hpp"
#include "io/posix/pipe.hpp"
#include "io/posix/sockets.hpp"
#include "io/posix/tcp_socket.hpp"
#include "io/posix/udp_socket.hpp"
#include "io/posix/waiting.hpp"

namespace handfast::io::posix {

namespace {

constexpr int pieces_max = 1024;  // IOV_MAX
constexpr int control_inq = 36;   // TCP_CM_INQ of linux/tcp.h

std::span<const iovec> pieces_of(const msghdr& message) {
  return {message.msg_iov, message.msg_iovlen};
}

int check(const msghdr* message) {
  if (message == nullptr) return -EFAULT;
  if (message->msg_iovlen > std::size_t{pieces_max}) return -EMSGSIZE;
  if (message->msg_iovlen > 0 && message->msg_iov == nullptr) return -EFAULT;
  for (const iovec& piece : pieces_of(*message)) {
    if (piece.iov_base == nullptr && piece.iov_len > 0) return -EFAULT;
    if (piece.iov_len > std::size_t{std::numeric_limits<ssize_t>::max()}) return -EINVAL;
  }
  return 0;
}

}  // namespace

ssize_t Sockets::receive_stream(const std::shared_ptr<TcpSocket>& socket, msghdr& message,
                                int flags) {
  if ((flags & MSG_ERRQUEUE) != 0) return socket->receive_error(message);
  Transfer into(pieces_of(message));
  const bool non_blocking = socket->non_blocking || (flags & MSG_DONTWAIT) != 0;
  const bool all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0;
  const ssize_t status =
      until_done(non_blocking, socket->options.receive_timeout, [&]() -> ssize_t {
        const std::size_t before = into.done();
        const long moved = socket->receive(into, flags);
        if (moved > 0) return all && into.left() > 0 ? -EAGAIN : moved;
        return moved == -EAGAIN || before == 0 ? moved : static_cast<ssize_t>(before);
      });
  message.msg_flags = (flags & MSG_OOB) != 0 && status > 0 ? MSG_OOB : 0;
  message.msg_namelen = 0;
  if (status < 0 && into.done() == 0) return status;
  ControlWriter control(message);
  if (socket->options.tell_queued && message.msg_control != nullptr) {
    const tcp::Connection* connection = socket->connection();
    int queued = connection == nullptr ? 0 : static_cast<int>(connection->received_size());
    // Linux: one byte more than nothing tells that the end has been reached.
    if (queued == 0 && connection != nullptr && connection->peer_has_closed()) queued = 1;
    control.add(SOL_TCP, control_inq, &queued, sizeof queued);
  }
  return static_cast<ssize_t>(into.done());
}

ssize_t Sockets::send_stream(const std::shared_ptr<TcpSocket>& socket, const msghdr& message,
                             int flags) {
  Transfer from(pieces_of(message));
  std::optional<wire::Endpoint> to_whom;
  if (message.msg_name != nullptr)
    to_whom = endpoint_of(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen,
                          socket->family());
  if ((flags & MSG_FASTOPEN) != 0) {
    socket->options.fast_open_flags = defaults_().fast_open_flags;
    if (message.msg_name != nullptr && !to_whom) return -EOPNOTSUPP;  // AF_UNSPEC, say
  }
  const bool non_blocking = socket->non_blocking || (flags & MSG_DONTWAIT) != 0;
  const ssize_t status = until_done(non_blocking, socket->options.send_timeout, [&]() -> ssize_t {
    const std::size_t before = from.done();
    const long moved = socket->send(from, flags, to_whom ? &*to_whom : nullptr);
    index(socket);
    if (moved > 0) return from.left() > 0 && !non_blocking ? -EAGAIN : moved;
    const bool nothing = before == 0 || from.done() == 0;
    return moved == -EAGAIN || nothing ? moved : static_cast<ssize_t>(before);
  });
  return from.done() > 0 ? static_cast<ssize_t>(from.done()) : status;
}

ssize_t Sockets::recvmsg(int fd, msghdr* message, int flags) {
  if (find(fd) == nullptr) return -EBADF;
  if (const int wrong = check(message); wrong != 0) return wrong;
  if (const auto socket = find_as<TcpSocket>(fd)) return receive_stream(socket, *message, flags);
  const auto socket = find_as<UdpSocket>(fd);
  if (socket == nullptr) return -ENOTSOCK;
  const bool non_blocking = socket->non_blocking || (flags & MSG_DONTWAIT) != 0;
  return until_done(non_blocking, socket->options.receive_timeout,
                    [&]() -> ssize_t { return socket->receive(*message, flags); });
}

ssize_t Sockets::sendmsg(int fd, const msghdr* message, int flags) {
  if (find(fd) == nullptr) return -EBADF;
  if (const int wrong = check(message); wrong != 0) return wrong;
  if (const auto socket = find_as<TcpSocket>(fd)) return send_stream(socket, *message, flags);
  const auto socket = find_as<UdpSocket>(fd);
  if (socket == nullptr) return -ENOTSOCK;
  const ssize_t sent = socket->send(*message);
  if (socket->name())
    datagrams_[u64{socket->name().generation} << 32 | socket->name().index] = socket;
  environment_.changed();
  return sent;
}

ssize_t Sockets::recvfrom(int fd, void* into, std::size_t size, int flags, sockaddr* address,
                          socklen_t* length) {
  iovec piece{into, size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_name = address;
  message.msg_namelen = length == nullptr ? 0 : *length;
  const ssize_t moved = recvmsg(fd, &message, flags);
  if (moved >= 0 && length != nullptr) *length = message.msg_namelen;
  return moved;
}

ssize_t Sockets::sendto(int fd, const void* from, std::size_t size, int flags,
                        const sockaddr* address, socklen_t length) {
  iovec piece{const_cast<void*>(from), size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_name = const_cast<sockaddr*>(address);
  message.msg_namelen = length;
  return sendmsg(fd, &message, flags);
}

ssize_t Sockets::recv(int fd, void* into, std::size_t size, int flags) {
  return recvfrom(fd, into, size, flags, nullptr, nullptr);
}

ssize_t Sockets::send(int fd, const void* from, std::size_t size, int flags) {
  return sendto(fd, from, size, flags, nullptr, 0);
}

ssize_t Sockets::readv(int fd, const iovec* pieces, int count) {
  if (find(fd) == nullptr) return -EBADF;
  if (count < 0 || count > pieces_max) return -EINVAL;
  if (const auto end = find_as<PipeEnd>(fd)) {
    ssize_t sum = 0;
    for (const iovec& piece : std::span(pieces, static_cast<std::size_t>(count))) {
      const MutBytes into(static_cast<u8*>(piece.iov_base), piece.iov_len);
      const ssize_t moved = until_done(end->non_blocking || sum > 0, 0s,
                                       [&]() -> ssize_t { return end->read(into); });
      if (moved <= 0) return sum > 0 ? sum : moved;
      sum += moved;
      if (static_cast<std::size_t>(moved) < into.size()) break;
    }
    return sum;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return recvmsg(fd, &message, 0);
}

ssize_t Sockets::writev(int fd, const iovec* pieces, int count) {
  if (find(fd) == nullptr) return -EBADF;
  if (count < 0 || count > pieces_max) return -EINVAL;
  if (const auto end = find_as<PipeEnd>(fd)) {
    ssize_t sum = 0;
    for (const iovec& piece : std::span(pieces, static_cast<std::size_t>(count))) {
      Bytes from(static_cast<const u8*>(piece.iov_base), piece.iov_len);
      while (!from.empty()) {
        const ssize_t moved =
            until_done(end->non_blocking, 0s, [&]() -> ssize_t { return end->write(from); });
        if (moved <= 0) return sum > 0 ? sum : moved;
        sum += moved;
        from = from.subspan(static_cast<std::size_t>(moved));
      }
    }
    return sum;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return sendmsg(fd, &message, 0);
}

ssize_t Sockets::read(int fd, void* into, std::size_t size) {
  const iovec piece{into, size};
  return readv(fd, &piece, 1);
}

ssize_t Sockets::write(int fd, const void* from, std::size_t size) {
  const iovec piece{const_cast<void*>(from), size};
  return writev(fd, &piece, 1);
}

// One of both is a pipe; bytes go through it without the caller seeing them.
ssize_t Sockets::splice(int from, const off_t* from_offset, int into, const off_t* into_offset,
                        std::size_t length, unsigned flags) {
  if (find(from) == nullptr || find(into) == nullptr) return -EBADF;
  if (from_offset != nullptr || into_offset != nullptr) return -ESPIPE;
  const auto source = find_as<PipeEnd>(from);
  const auto sink = find_as<PipeEnd>(into);
  if (source == nullptr && sink == nullptr) return -EINVAL;
  const int wait = (flags & SPLICE_F_NONBLOCK) != 0 ? MSG_DONTWAIT : 0;
  std::vector<u8> buffer(std::min<std::size_t>(length, PipeEnd::capacity));
  if (sink != nullptr) {
    const std::size_t room = std::min(buffer.size(), sink->room());
    if (room == 0) return -EAGAIN;
    const auto socket = find_as<TcpSocket>(from);
    if (socket != nullptr && socket->is_at_mark() && socket->options.settings.urgent_out_of_line)
      return 0;
    const ssize_t got =
        source != nullptr ? read(from, buffer.data(), room) : recv(from, buffer.data(), room, wait);
    return got <= 0 ? got : write(into, buffer.data(), static_cast<std::size_t>(got));
  }
  const auto socket = find_as<TcpSocket>(into);
  if (socket == nullptr) return -EINVAL;
  const ssize_t got = until_done(source->non_blocking || wait != 0, 0s,
                                 [&]() -> ssize_t { return source->read(buffer); });
  if (got <= 0) return got;
  const int more = (flags & SPLICE_F_MORE) != 0 ? MSG_MORE : 0;
  return send(into, buffer.data(), static_cast<std::size_t>(got), more);
}

}  // namespace handfast::io::posix
