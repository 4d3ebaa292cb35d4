// The socket calls of POSIX and Linux over a Host instead of a kernel: the same names, arguments
// and conventions, with the error as a negative errno in place of -1. Blocking calls wait through
// the Environment. One thread at a time is inside; the Environment's wait() lets others in.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "host/host.hpp"
#include "io/posix/descriptor.hpp"
#include "io/posix/environment.hpp"
#include "io/posix/socket_options.hpp"

namespace handfast::io::posix {

class TcpSocket;
class UdpSocket;

class Sockets {
 public:
  /// Descriptors are numbered from `first_descriptor`, the lowest free one first. `defaults` is
  /// asked whenever a socket is made.
  Sockets(host::Host& host, Environment& environment, int first_descriptor,
          std::function<SocketOptions()> defaults);
  /// Closes what is open.
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  int socket(int domain, int type, int protocol);
  int bind(int fd, const sockaddr* address, socklen_t length);
  int listen(int fd, int backlog);
  int accept(int fd, sockaddr* address, socklen_t* length, int flags = 0);
  int connect(int fd, const sockaddr* address, socklen_t length);
  int getsockname(int fd, sockaddr* address, socklen_t* length);
  int getpeername(int fd, sockaddr* address, socklen_t* length);
  int shutdown(int fd, int how);
  int close(int fd);

  ssize_t read(int fd, void* into, std::size_t size);
  ssize_t write(int fd, const void* from, std::size_t size);
  ssize_t readv(int fd, const iovec* pieces, int count);
  ssize_t writev(int fd, const iovec* pieces, int count);
  ssize_t recv(int fd, void* into, std::size_t size, int flags);
  ssize_t send(int fd, const void* from, std::size_t size, int flags);
  ssize_t recvfrom(int fd, void* into, std::size_t size, int flags, sockaddr* address,
                   socklen_t* length);
  ssize_t sendto(int fd, const void* from, std::size_t size, int flags, const sockaddr* address,
                 socklen_t length);
  ssize_t recvmsg(int fd, msghdr* message, int flags);
  ssize_t sendmsg(int fd, const msghdr* message, int flags);

  int fcntl(int fd, int command, int argument);
  int ioctl(int fd, unsigned long request, int* argument);
  int getsockopt(int fd, int level, int name, void* value, socklen_t* length);
  int setsockopt(int fd, int level, int name, const void* value, socklen_t length);

  /// Times in ms; negative: without limit.
  int poll(pollfd* descriptors, nfds_t count, int timeout);
  int epoll_create(int size);
  int epoll_ctl(int set, int operation, int fd, const epoll_event* event);
  int epoll_wait(int set, epoll_event* events, int events_max, int timeout);

  int pipe(int ends[2]);
  ssize_t splice(int from, const off_t* from_offset, int into, const off_t* into_offset,
                 std::size_t length, unsigned flags);

  bool owns(int fd) const { return fd >= first_ && find(fd) != nullptr; }
  /// Takes the host's events to the sockets that they are for. To be called by the Environment
  /// after anything that went into the host.
  void dispatch_events();

 private:
  using Held = std::shared_ptr<Descriptor>;

  Held find(int fd) const;
  template <class Kind>
  std::shared_ptr<Kind> find_as(int fd) const {
    return std::dynamic_pointer_cast<Kind>(find(fd));
  }
  int add(Held descriptor);
  void note_progress();
  void index(const std::shared_ptr<TcpSocket>& socket);
  void linger(TcpSocket& socket, Duration limit);
  bool is_taken(const wire::Endpoint& local, const TcpSocket& by) const;

  template <class Try>
  ssize_t until_done(bool non_blocking, Duration limit, Try attempt);
  ssize_t receive_stream(const std::shared_ptr<TcpSocket>& socket, msghdr& message, int flags);
  ssize_t send_stream(const std::shared_ptr<TcpSocket>& socket, const msghdr& message, int flags);

  host::Host& host_;
  Environment& environment_;
  int first_;
  std::function<SocketOptions()> defaults_;
  std::vector<TcpSocket*> expecting_;  // outlives those in the table
  std::vector<Held> table_;
  std::unordered_map<u64, std::weak_ptr<TcpSocket>> connections_;
  std::unordered_map<u64, std::weak_ptr<TcpSocket>> listeners_;
  std::unordered_map<u64, std::weak_ptr<UdpSocket>> datagrams_;
};

}  // namespace handfast::io::posix
