#include "link/netlink.hpp"

#include <cerrno>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace handfast::link {
namespace {

constexpr u32 alignment = 4;  // of headers and attributes

int read_answer(int fd) {
  alignas(8) std::array<u8, 4096> answer{};
  const ssize_t got = recv(fd, answer.data(), answer.size(), 0);
  if (got < 0) return errno;
  nlmsghdr header{};
  nlmsgerr error{};
  if (to<std::size_t>(got) < sizeof header + sizeof error) return EPROTO;
  std::memcpy(&header, answer.data(), sizeof header);
  std::memcpy(&error, answer.data() + sizeof header, sizeof error);
  return header.nlmsg_type == NLMSG_ERROR ? -error.error : EPROTO;
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

int NetlinkRequest::transact() {
  std::memcpy(buffer_.data(), &size_, sizeof size_);  // nlmsg_len, its first field
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  // A netlink socket that was never bound or connected talks to the kernel.
  const int result = send(fd, buffer_.data(), size_, 0) < 0 ? errno : read_answer(fd);
  close(fd);
  return result;
}

u8* NetlinkRequest::grow(std::size_t size) {
  const u32 at = size_;
  size_ += (to<u32>(size) + alignment - 1) / alignment * alignment;
  ASSERT(size_ <= buffer_.size());
  return buffer_.data() + at;
}

}  // namespace handfast::link
