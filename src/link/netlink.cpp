#include "link/netlink.hpp"

#include <algorithm>
#include <cerrno>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

namespace handfast::link {
namespace {

constexpr u32 alignment = 4;  // of headers and attributes

int read_answer(int fd, MutBytes reply) {
  alignas(8) std::array<u8, 4096> answer{};
  const ssize_t got = recv(fd, answer.data(), answer.size(), 0);
  if (got < 0) return errno;
  nlmsghdr header{};
  nlmsgerr error{};
  const Bytes body = Bytes(answer)
                         .first(to<std::size_t>(got))
                         .subspan(std::min(to<std::size_t>(got), sizeof header));
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type == NLMSG_ERROR) {
    if (body.size() < sizeof error) return EPROTO;
    std::memcpy(&error, body.data(), sizeof error);
    return -error.error;
  }
  if (reply.empty() || body.size() < reply.size()) return EPROTO;
  std::memcpy(reply.data(), body.data(), reply.size());
  return 0;
}

}  // namespace

NetlinkRequest::NetlinkRequest(u16 type, u16 flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = to<u16>(NLM_F_REQUEST | NLM_F_ACK | flags);
  body(header);
}

NetlinkRequest& NetlinkRequest::attribute(u16 type, Bytes value) {
  rtattr header{};
  header.rta_type = type;
  header.rta_len = to<u16>(sizeof header + value.size());
  u8* at = grow(header.rta_len);
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, value.data(), value.size());
  return *this;
}

NetlinkRequest& NetlinkRequest::attribute(u16 type, u32 value) {
  std::array<u8, sizeof value> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  return attribute(type, Bytes(bytes));
}

int NetlinkRequest::transact(MutBytes reply) {
  std::memcpy(buffer_.data(), &size_, sizeof size_);  // nlmsg_len, its first field
  const Descriptor kernel(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!kernel) return errno;
  // A netlink socket that was never bound or connected talks to the kernel.
  if (send(kernel.get(), buffer_.data(), size_, 0) < 0) return errno;
  return read_answer(kernel.get(), reply);
}

u8* NetlinkRequest::grow(std::size_t size) {
  const u32 at = size_;
  size_ += (to<u32>(size) + alignment - 1) / alignment * alignment;
  ASSERT(size_ <= buffer_.size());
  return buffer_.data() + at;
}

RouteWatch::RouteWatch()
    : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV6_ROUTE;
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  // Without it wait() only waits longer than it must.
  if (bind(socket_.get(), any, sizeof address) != 0) socket_ = Descriptor();
}

void RouteWatch::wait(int timeout_ms) {
  pollfd change{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  if (poll(&change, 1, timeout_ms) <= 0) return;
  std::array<u8, 4096> news{};
  (void)recv(socket_.get(), news.data(), news.size(), 0);
}

}  // namespace handfast::link
