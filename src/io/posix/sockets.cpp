#include "io/posix/sockets.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>

#include "io/posix/address.hpp"
#include "io/posix/epoll.hpp"
#include "io/posix/pipe.hpp"
#include "io/posix/tcp_socket.hpp"
#include "io/posix/udp_socket.hpp"
#include "io/posix/waiting.hpp"

namespace handfast::io::posix {

namespace {

template <class T>
u64 key_of(Handle<T> handle) {
  return u64{handle.generation} << 32 | handle.index;
}

}  // namespace

Sockets::Sockets(host::Host& host, Environment& environment, int first_descriptor,
                 std::function<SocketOptions()> defaults)
    : host_(host),
      environment_(environment),
      first_(first_descriptor),
      defaults_(std::move(defaults)) {}

Sockets::~Sockets() {
  for (Held& descriptor : table_)
    if (descriptor != nullptr) descriptor->close();
}

Sockets::Held Sockets::find(int fd) const {
  const std::size_t slot = static_cast<std::size_t>(fd) - static_cast<std::size_t>(first_);
  return fd >= first_ && slot < table_.size() ? table_[slot] : nullptr;
}

int Sockets::add(Held descriptor) {
  const auto free = std::ranges::find(table_, nullptr);
  const auto slot = free - table_.begin();
  if (free == table_.end()) {
    table_.push_back(std::move(descriptor));
  } else {
    *free = std::move(descriptor);
  }
  return first_ + static_cast<int>(slot);
}

void Sockets::index(const std::shared_ptr<TcpSocket>& socket) {
  if (socket->name()) connections_[key_of(socket->name())] = socket;
  for (const bool v6 : {false, true})
    if (socket->listener(v6)) listeners_[key_of(socket->listener(v6))] = socket;
}

void Sockets::dispatch_events() {
  while (const auto event = host_.poll_event()) {
    switch (event->kind) {
      case host::Event::Kind::tcp: {
        const auto found = connections_.find(key_of(event->connection));
        if (found == connections_.end()) break;
        if (const auto socket = found->second.lock()) socket->on_event(event->tcp);
        break;
      }
      case host::Event::Kind::acceptable: {
        const auto found = listeners_.find(key_of(event->listener));
        if (found == listeners_.end()) break;
        if (const auto socket = found->second.lock()) socket->wake(EPOLLIN | EPOLLRDNORM);
        break;
      }
      case host::Event::Kind::datagram:
      case host::Event::Kind::udp_error: {
        const auto found = datagrams_.find(key_of(event->udp));
        if (found == datagrams_.end()) break;
        if (const auto socket = found->second.lock()) socket->on_event(event->kind);
        break;
      }
    }
  }
  note_progress();
}

void Sockets::note_progress() {
  for (TcpSocket* socket : expecting_)
    if (socket->is_expecting()) socket->on_progress();
  std::erase_if(expecting_, [](const TcpSocket* socket) { return !socket->is_expecting(); });
}

int Sockets::socket(int domain, int type, int protocol) {
  if (domain != AF_INET && domain != AF_INET6) return -EAFNOSUPPORT;
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  Held made;
  if (kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP)) {
    SocketOptions initial = defaults_();
    initial.settings.urgent_out_of_line = true;  // until SO_OOBINLINE
    made = std::make_shared<TcpSocket>(host_, environment_, expecting_, domain, initial);
  } else if (kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP)) {
    made = std::make_shared<UdpSocket>(host_, environment_, domain, defaults_());
  } else {
    return kind == SOCK_STREAM || kind == SOCK_DGRAM ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
  }
  made->non_blocking = (type & SOCK_NONBLOCK) != 0;
  return add(std::move(made));
}

// socket(7): SO_REUSEADDR lets sockets share a port while none of them listens, SO_REUSEPORT
// always.
bool Sockets::is_taken(const wire::Endpoint& local, const TcpSocket& by) const {
  const auto is_any = [](const wire::IpAddress& a) {
    return a == wire::any_v4 || a == wire::any_v6;
  };
  return local.port != 0 && std::ranges::any_of(table_, [&](const Held& descriptor) {
           const auto other = std::dynamic_pointer_cast<TcpSocket>(descriptor);
           if (other == nullptr || other.get() == &by || !other->is_bound()) return false;
           const wire::Endpoint theirs = other->local();
           if (theirs.port != local.port) return false;
           if (theirs.address != local.address && !is_any(theirs.address) && !is_any(local.address))
             return false;
           const bool share_address =
               by.options.reuse_address && other->options.reuse_address && !other->is_listening();
           return !share_address && !(by.options.reuse_port && other->options.reuse_port);
         });
}

int Sockets::bind(int fd, const sockaddr* address, socklen_t length) {
  const Held descriptor = find(fd);
  if (descriptor == nullptr) return -EBADF;
  if (const auto socket = find_as<TcpSocket>(fd)) {
    const auto local = endpoint_of(address, length, socket->family());
    if (!local) return address == nullptr ? -EFAULT : -EINVAL;
    return !socket->is_bound() && is_taken(*local, *socket) ? -EADDRINUSE : socket->bind(*local);
  }
  const auto socket = find_as<UdpSocket>(fd);
  if (socket == nullptr) return -ENOTSOCK;
  const auto local = endpoint_of(address, length, socket->family());
  if (!local) return address == nullptr ? -EFAULT : -EINVAL;
  const int done = socket->bind(*local);
  if (socket->name()) datagrams_[key_of(socket->name())] = socket;
  return done;
}

int Sockets::listen(int fd, int backlog) {
  if (find(fd) == nullptr) return -EBADF;
  const auto socket = find_as<TcpSocket>(fd);
  if (socket == nullptr) return find_as<UdpSocket>(fd) != nullptr ? -EOPNOTSUPP : -ENOTSOCK;
  socket->options.fast_open_flags = defaults_().fast_open_flags;
  const int done = socket->listen(backlog);
  index(socket);
  environment_.changed();
  return done;
}

int Sockets::accept(int fd, sockaddr* address, socklen_t* length, int flags) {
  if (find(fd) == nullptr) return -EBADF;
  const auto listener = find_as<TcpSocket>(fd);
  if (listener == nullptr) return -ENOTSOCK;
  std::shared_ptr<TcpSocket> accepted;
  const ssize_t done =
      until_done(listener->non_blocking, listener->options.receive_timeout, [&]() -> ssize_t {
        int error = 0;
        accepted = listener->accept(error);
        return accepted != nullptr ? 0 : -error;
      });
  if (accepted == nullptr) return static_cast<int>(done);
  accepted->non_blocking = (flags & SOCK_NONBLOCK) != 0;
  if (const tcp::Connection* connection = accepted->connection())
    store_address(connection->flow().remote, accepted->family(), address, length);
  index(accepted);
  const int accepted_fd = add(accepted);
  environment_.changed();
  return accepted_fd;
}

int Sockets::connect(int fd, const sockaddr* address, socklen_t length) {
  if (find(fd) == nullptr) return -EBADF;
  if (const auto socket = find_as<UdpSocket>(fd)) {
    const auto remote = endpoint_of(address, length, socket->family());
    return remote ? socket->connect(*remote) : -EAFNOSUPPORT;
  }
  const auto socket = find_as<TcpSocket>(fd);
  if (socket == nullptr) return -ENOTSOCK;
  const auto remote = endpoint_of(address, length, socket->family());
  if (!remote) return address == nullptr ? -EFAULT : -EAFNOSUPPORT;
  bool begun = false;
  const ssize_t done =
      until_done(socket->non_blocking, socket->options.send_timeout, [&]() -> ssize_t {
        const int status = socket->connect(*remote);
        if (status == -EINPROGRESS) index(socket);
        if (socket->non_blocking || (status != -EINPROGRESS && !(begun && status == -EALREADY)))
          return status;
        begun = true;
        return -EAGAIN;
      });
  return done == -EAGAIN ? -EINPROGRESS : static_cast<int>(done);
}

int Sockets::getsockname(int fd, sockaddr* address, socklen_t* length) {
  if (find(fd) == nullptr) return -EBADF;
  if (const auto socket = find_as<TcpSocket>(fd)) {
    store_address(socket->local(), socket->family(), address, length);
    return 0;
  }
  const auto socket = find_as<UdpSocket>(fd);
  if (socket == nullptr) return -ENOTSOCK;
  store_address(socket->local(), socket->family(), address, length);
  return 0;
}

int Sockets::getpeername(int fd, sockaddr* address, socklen_t* length) {
  if (find(fd) == nullptr) return -EBADF;
  const auto stream = find_as<TcpSocket>(fd);
  const auto datagram = find_as<UdpSocket>(fd);
  if (stream == nullptr && datagram == nullptr) return -ENOTSOCK;
  const auto remote = stream != nullptr ? stream->remote() : datagram->remote();
  if (!remote) return -ENOTCONN;
  store_address(*remote, stream != nullptr ? stream->family() : datagram->family(), address,
                length);
  return 0;
}

int Sockets::shutdown(int fd, int how) {
  if (find(fd) == nullptr) return -EBADF;
  const auto socket = find_as<TcpSocket>(fd);
  if (socket == nullptr) return find_as<UdpSocket>(fd) != nullptr ? -ENOTCONN : -ENOTSOCK;
  const int done = socket->shutdown(how);
  environment_.changed();
  return done;
}

// close(2) of a blocking socket with SO_LINGER waits until everything has been acknowledged.
void Sockets::linger(TcpSocket& socket, Duration limit) {
  socket.begin_close();
  until_done(false, limit, [&]() -> ssize_t { return socket.is_drained() ? 0 : -EAGAIN; });
}

int Sockets::close(int fd) {
  const Held descriptor = find(fd);
  if (descriptor == nullptr) return -EBADF;
  if (const auto socket = find_as<TcpSocket>(fd)) {
    if (socket->options.linger && *socket->options.linger > 0s && !socket->non_blocking)
      linger(*socket, *socket->options.linger);
    connections_.erase(key_of(socket->name()));
    for (const bool v6 : {false, true}) listeners_.erase(key_of(socket->listener(v6)));
  }
  if (const auto socket = find_as<UdpSocket>(fd)) datagrams_.erase(key_of(socket->name()));
  for (const Held& other : table_)
    if (const auto set = std::dynamic_pointer_cast<Epoll>(other)) set->forget(fd);
  descriptor->close();
  table_[static_cast<std::size_t>(fd - first_)] = nullptr;
  environment_.changed();
  return 0;
}

int Sockets::fcntl(int fd, int command, int argument) {
  const Held descriptor = find(fd);
  if (descriptor == nullptr) return -EBADF;
  switch (command) {
    case F_GETFL: return O_RDWR | (descriptor->non_blocking ? O_NONBLOCK : 0);
    case F_SETFL: descriptor->non_blocking = (argument & O_NONBLOCK) != 0; return 0;
    case F_GETFD:
    case F_SETFD: return 0;
    default: return -EINVAL;
  }
}

int Sockets::pipe(int ends[2]) {
  auto [reader, writer] = PipeEnd::make();
  ends[0] = add(std::move(reader));
  ends[1] = add(std::move(writer));
  return 0;
}

}  // namespace handfast::io::posix
