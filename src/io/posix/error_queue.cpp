#include "io/posix/error_queue.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>

#include "io/posix/address.hpp"

namespace handfast::io::posix {

ControlWriter::ControlWriter(msghdr& message) : message_(message) {}

ControlWriter::~ControlWriter() { message_.msg_controllen = used_; }

void ControlWriter::add(int level, int type, const void* data, std::size_t size) {
  if (message_.msg_control == nullptr || used_ + CMSG_SPACE(size) > message_.msg_controllen) {
    message_.msg_flags |= MSG_CTRUNC;
    return;
  }
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(size);
  header.cmsg_level = level;
  header.cmsg_type = type;
  auto* at = static_cast<u8*>(message_.msg_control) + used_;
  std::memset(at, 0, CMSG_SPACE(size));
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + CMSG_LEN(0), data, size);
  used_ += CMSG_SPACE(size);
}

void ErrorQueue::push_completion(u32 first, u32 last) {
  if (!entries_.empty()) {
    sock_extended_err& newest = entries_.back().error;
    if (newest.ee_origin == SO_EE_ORIGIN_ZEROCOPY && newest.ee_data + 1 == first) {
      newest.ee_data = last;
      return;
    }
  }
  QueuedError entry;
  entry.error.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
  entry.error.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;  // we copied: it is the send ring that lends
  entry.error.ee_info = first;
  entry.error.ee_data = last;
  push(entry);
}

long ErrorQueue::receive(msghdr& message, int family) {
  message.msg_flags = MSG_ERRQUEUE;
  if (entries_.empty()) return -EAGAIN;
  const QueuedError entry = entries_.front();
  entries_.pop_front();
  if (entry.truncated) message.msg_flags |= MSG_TRUNC;
  ControlWriter control(message);
  if (entry.times)
    control.add(SOL_SOCKET, SCM_TIMESTAMPING, &*entry.times, sizeof(scm_timestamping));
  struct {
    sock_extended_err error;
    sockaddr_storage offender;
  } what{};
  what.error = entry.error;
  socklen_t length = sizeof what.offender;
  const bool local =
      entry.error.ee_origin != SO_EE_ORIGIN_ICMP && entry.error.ee_origin != SO_EE_ORIGIN_ICMP6;
  if (!local)
    store_address(entry.about, family, reinterpret_cast<sockaddr*>(&what.offender), &length);
  const bool v6 = family == AF_INET6;
  const std::size_t offender = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  control.add(v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &what,
              sizeof what.error + offender);
  if (message.msg_name != nullptr)
    store_address(entry.about, family, static_cast<sockaddr*>(message.msg_name),
                  &message.msg_namelen);
  return 0;
}

int errno_of(const wire::IcmpError& error) {
  switch (error.problem) {
    case wire::IcmpProblem::net_unreachable: return ENETUNREACH;
    case wire::IcmpProblem::host_unreachable: return EHOSTUNREACH;
    case wire::IcmpProblem::protocol_unreachable: return ENOPROTOOPT;
    case wire::IcmpProblem::port_unreachable: return ECONNREFUSED;
    case wire::IcmpProblem::packet_too_big: return EMSGSIZE;
    case wire::IcmpProblem::prohibited: return EHOSTUNREACH;
    case wire::IcmpProblem::time_exceeded: return EHOSTUNREACH;
    case wire::IcmpProblem::parameter_problem: return EPROTO;
  }
  return EPROTO;
}

QueuedError queued(const wire::IcmpError& error, const wire::Endpoint& about, bool v4) {
  QueuedError entry;
  entry.error.ee_errno = static_cast<u32>(errno_of(error));
  entry.error.ee_origin = v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
  entry.error.ee_type = error.type;
  entry.error.ee_code = error.code;
  entry.error.ee_info = error.mtu;
  entry.about = about;
  return entry;
}

}  // namespace handfast::io::posix
