#include "bogo/socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace handfast::bogo {
namespace {

std::unexpected<Failure> system_failure(std::string_view what) {
  return fail(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// Calls `call` again as long as a signal interrupts it.
template <class Call>
ssize_t persist(Call call) {
  for (;;) {
    const ssize_t n = call();
    if (n >= 0 || errno != EINTR) return n;
  }
}

}  // namespace

Result<Socket, Failure> Socket::connect(u16 port, bool ipv6) {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (ipv6) {
    const sockaddr_in6 to{AF_INET6, htons(port), 0, in6addr_loopback, 0};
    std::memcpy(&address, &to, size = sizeof(to));
  } else {
    const sockaddr_in to{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    std::memcpy(&address, &to, size = sizeof(to));
  }
  Socket it(::socket(address.ss_family, SOCK_STREAM, 0));
  if (it.descriptor_ == none) return system_failure("socket");
  const int on = 1;
  ::setsockopt(it.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(it.descriptor_, reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return system_failure("connect");
  return it;
}

Socket::~Socket() {
  if (descriptor_ == none) return;
  ::shutdown(descriptor_, SHUT_WR);
  std::array<u8, 4096> waste;
  while (read(waste) > 0) {
  }
  ::close(descriptor_);
}

bool Socket::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n =
        persist([&] { return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    if (n < 0) return false;
    bytes = bytes.subspan(to<std::size_t>(n));
  }
  return true;
}

u32 Socket::read(MutBytes room) {
  const ssize_t n = persist([&] { return ::recv(descriptor_, room.data(), room.size(), 0); });
  return n > 0 ? to<u32>(n) : 0;  // a reset is an end too
}

}  // namespace handfast::bogo
