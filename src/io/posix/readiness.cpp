// poll(2), epoll(7): waiting for one of many.
#include <algorithm>
#include <cerrno>

#include "io/posix/epoll.hpp"
#include "io/posix/sockets.hpp"
#include "io/posix/waiting.hpp"

namespace handfast::io::posix {

namespace {

// Milliseconds as poll() counts them, for until_done(): 0 there means any time.
Duration limit_of(int timeout) {
  return timeout < 0 ? Duration{0} : Duration{std::chrono::milliseconds(timeout)};
}

}  // namespace

int Sockets::poll(pollfd* descriptors, nfds_t count, int timeout) {
  if (descriptors == nullptr && count > 0) return -EFAULT;
  const std::span all(descriptors, count);
  const ssize_t ready = until_done(timeout == 0, limit_of(timeout), [&]() -> ssize_t {
    ssize_t some = 0;
    for (pollfd& one : all) {
      one.revents = 0;
      if (one.fd < 0) continue;
      const Held descriptor = find(one.fd);
      // The low bits of EPOLLIN … are those of POLLIN ….
      const auto wanted = static_cast<u32>(static_cast<u16>(one.events)) | EPOLLERR | EPOLLHUP;
      one.revents = descriptor == nullptr ? static_cast<short>(POLLNVAL)
                                          : static_cast<short>(descriptor->readiness() & wanted);
      if (one.revents != 0) ++some;
    }
    return some > 0 ? some : -EAGAIN;
  });
  return ready == -EAGAIN ? 0 : static_cast<int>(ready);
}

int Sockets::epoll_create(int size) { return size <= 0 ? -EINVAL : add(std::make_shared<Epoll>()); }

int Sockets::epoll_ctl(int set, int operation, int fd, const epoll_event* event) {
  const Held target = find(fd);
  if (find(set) == nullptr || target == nullptr) return -EBADF;
  const auto epoll = find_as<Epoll>(set);
  return epoll == nullptr ? -EINVAL : epoll->control(operation, fd, *target, event);
}

int Sockets::epoll_wait(int set, epoll_event* events, int events_max, int timeout) {
  if (find(set) == nullptr) return -EBADF;
  const auto epoll = find_as<Epoll>(set);
  if (epoll == nullptr || events_max <= 0) return -EINVAL;
  if (events == nullptr) return -EFAULT;
  const ssize_t ready = until_done(timeout == 0, limit_of(timeout), [&]() -> ssize_t {
    const int some = epoll->collect({events, static_cast<std::size_t>(events_max)});
    return some > 0 ? some : -EAGAIN;
  });
  return ready == -EAGAIN ? 0 : static_cast<int>(ready);
}

}  // namespace handfast::io::posix
