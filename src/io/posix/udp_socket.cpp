#include "io/posix/udp_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>

#include "io/posix/address.hpp"
#include "io/posix/tcp_socket.hpp"

namespace handfast::io::posix {

int UdpSocket::bind(const wire::Endpoint& local) {
  if (name_) return -EINVAL;
  const auto opened = host_.udp_open(local, environment_.now());
  if (!opened) return -errno_of(opened.error());
  name_ = *opened;
  return 0;
}

int UdpSocket::connect(const wire::Endpoint& remote) {
  if (!name_) {
    const bool v4 = remote.address.is_v4();
    if (const int status = bind({v4 ? wire::any_v4 : wire::any_v6, 0}); status != 0) return status;
  }
  remote_ = remote;
  return 0;
}

void UdpSocket::close() {
  if (name_) host_.udp_close(name_);
}

wire::Endpoint UdpSocket::local() const {
  if (name_) return host_.local_endpoint(name_);
  return {family_ == AF_INET ? wire::any_v4 : wire::any_v6, 0};
}

void UdpSocket::on_event(host::Event::Kind kind) {
  if (kind == host::Event::Kind::udp_error) {
    while (const auto reported = host_.udp_receive_error(name_)) {
      // RFC 1122 §4.1.3.3; as Linux: without IP_RECVERR only a connected socket hears of it.
      if (remote_ || options.receive_errors) error_ = errno_of(reported->error);
      if (options.receive_errors)
        errors_.push(
            queued(reported->error, reported->destination, reported->destination.address.is_v4()));
    }
    return wake(EPOLLERR);
  }
  wake(EPOLLIN | EPOLLRDNORM);
}

bool UdpSocket::fetch() {
  while (!next_ && name_) {
    const auto datagram = host_.udp_receive(name_);
    if (!datagram) break;
    if (remote_ && datagram->source != *remote_) continue;
    next_ = Held{datagram->source, {datagram->payload.begin(), datagram->payload.end()}};
  }
  return next_.has_value();
}

u32 UdpSocket::readiness() {
  u32 events = EPOLLOUT | EPOLLWRNORM;
  if (fetch()) events |= EPOLLIN | EPOLLRDNORM;
  if (error_ != 0 || !errors_.empty()) events |= EPOLLERR;
  return events;
}

long UdpSocket::receive(msghdr& message, int flags) {
  if ((flags & MSG_ERRQUEUE) != 0) return errors_.receive(message, family_);
  if (error_ != 0) return -take_error();
  if (!fetch()) return -EAGAIN;
  const Held& datagram = *next_;
  std::size_t copied = 0;
  for (const iovec& piece : std::span(message.msg_iov, message.msg_iovlen)) {
    const std::size_t n = std::min(piece.iov_len, datagram.payload.size() - copied);
    if (n > 0) std::memcpy(piece.iov_base, datagram.payload.data() + copied, n);
    copied += n;
  }
  message.msg_flags = copied < datagram.payload.size() ? MSG_TRUNC : 0;
  message.msg_controllen = 0;
  if (message.msg_name != nullptr)
    store_address(datagram.source, family_, static_cast<sockaddr*>(message.msg_name),
                  &message.msg_namelen);
  const std::size_t whole = datagram.payload.size();
  if ((flags & MSG_PEEK) == 0) next_.reset();
  return static_cast<long>((flags & MSG_TRUNC) != 0 ? whole : copied);
}

long UdpSocket::send(const msghdr& message) {
  if (error_ != 0) return -take_error();
  std::optional<wire::Endpoint> destination = remote_;
  if (message.msg_name != nullptr) {
    destination =
        endpoint_of(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen, family_);
    if (!destination) return -EINVAL;
  }
  if (!destination) return -EDESTADDRREQ;
  if (!name_) {
    const bool v4 = destination->address.is_v4();
    if (const int status = bind({v4 ? wire::any_v4 : wire::any_v6, 0}); status != 0) return status;
  }
  std::vector<u8> payload;
  for (const iovec& piece : std::span(message.msg_iov, message.msg_iovlen)) {
    const auto* at = static_cast<const u8*>(piece.iov_base);
    payload.insert(payload.end(), at, at + piece.iov_len);
  }
  constexpr std::size_t payload_max = 65507;
  if (payload.size() > payload_max) return -EMSGSIZE;
  const auto sent = host_.udp_send(name_, *destination, payload, environment_.now());
  return sent ? static_cast<long>(payload.size()) : -errno_of(sent.error());
}

}  // namespace handfast::io::posix
