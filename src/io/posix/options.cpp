// getsockopt(2), setsockopt(2), ioctl(2).
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "io/posix/option_table.hpp"
#include "io/posix/sockets.hpp"
#include "io/posix/tcp_info.hpp"
#include "io/posix/tcp_socket.hpp"
#include "io/posix/udp_socket.hpp"

namespace handfast::io::posix {

namespace {

int give(const void* what, std::size_t size, void* value, socklen_t* length) {
  *length = static_cast<socklen_t>(std::min<std::size_t>(*length, size));
  std::memcpy(value, what, *length);
  return 0;
}

int give(int what, void* value, socklen_t* length) {
  return give(&what, sizeof what, value, length);
}

timeval to_timeval(Duration time) { return {.tv_sec = time / 1s, .tv_usec = time % 1s / 1us}; }

int get_time(Duration time, void* value, socklen_t* length) {
  const timeval out = to_timeval(time);
  return give(&out, sizeof out, value, length);
}

int set_time(Duration& time, const void* value, socklen_t length) {
  timeval in{};
  if (length < sizeof in) return -EINVAL;
  std::memcpy(&in, value, sizeof in);
  if (in.tv_usec < 0 || in.tv_usec >= 1'000'000) return -EDOM;
  time =
      std::chrono::seconds(std::max<time_t>(in.tv_sec, 0)) + std::chrono::microseconds(in.tv_usec);
  return 0;
}

int get_linger(const SocketOptions& options, void* value, socklen_t* length) {
  const linger out{.l_onoff = options.linger ? 1 : 0,
                   .l_linger = options.linger ? static_cast<int>(*options.linger / 1s) : 0};
  return give(&out, sizeof out, value, length);
}

int set_linger(SocketOptions& options, const void* value, socklen_t length) {
  linger in{};
  if (length < sizeof in) return -EINVAL;
  std::memcpy(&in, value, sizeof in);
  options.linger.reset();
  if (in.l_onoff != 0) options.linger = std::chrono::seconds(std::max(in.l_linger, 0));
  return 0;
}

int get_congestion(const SocketOptions& options, void* value, socklen_t* length) {
  std::array<char, 16> name{};
  const bool reno = options.settings.congestion == tcp::Algorithm::reno;
  std::ranges::copy(std::string_view(reno ? "reno" : "cubic"), name.begin());
  return give(name.data(), name.size(), value, length);
}

int set_congestion(SocketOptions& options, const void* value, socklen_t length) {
  std::string_view name(static_cast<const char*>(value), length);
  name = name.substr(0, name.find('\0'));
  if (name == "reno") {
    options.settings.congestion = tcp::Algorithm::reno;
  } else if (name == "cubic") {
    options.settings.congestion = tcp::Algorithm::cubic;
  } else {
    return -ENOENT;
  }
  return 0;
}

// SO_MEMINFO, in bytes, by the places of linux/sock_diag.h.
int get_memory(TcpSocket* socket, const SocketOptions& options, void* value, socklen_t* length) {
  constexpr int receive_queued = 0, receive_limit = 1, send_limit = 3, write_queued = 5;
  std::array<u32, 9> out{};
  out[receive_limit] =
      options.receive_buffer != 0 ? options.receive_buffer : options.buffers.receive;
  out[send_limit] = options.send_buffer != 0 ? options.send_buffer : options.buffers.send;
  if (const tcp::Connection* connection = socket == nullptr ? nullptr : socket->connection()) {
    out[receive_queued] = connection->received_size();
    out[write_queued] = connection->unacknowledged();
  }
  return give(out.data(), sizeof out, value, length);
}

// One key of 16 bytes, or two: the second is still honoured.
int set_fast_open_key(SocketOptions& options, const void* value, socklen_t length) {
  constexpr socklen_t key_size = 16;
  if (length != key_size && length != 2 * key_size) return -EINVAL;
  const auto* bytes = static_cast<const u8*>(value);
  tcp::FastOpenKey primary{};
  std::copy_n(bytes, key_size, primary.begin());
  std::optional<tcp::FastOpenKey> backup;
  if (length == 2 * key_size) std::copy_n(bytes + key_size, key_size, backup.emplace().begin());
  options.fast_open_keys.emplace(primary, backup);
  options.fast_open_key_bytes.assign(bytes, bytes + length);
  return 0;
}

int get_stream_option(TcpSocket& socket, Instant now, int name, void* value, socklen_t* length) {
  const tcp::Connection* connection = socket.connection();
  switch (name) {
    case TCP_INFO: {
      tcp::Info info;
      if (connection != nullptr) info = connection->info(now);
      if (socket.is_listening()) info.state = tcp::State::listen;
      const LinuxTcpInfo out = linux_tcp_info(info);
      return give(&out, sizeof out, value, length);
    }
    case TCP_CC_INFO: *length = 0; return 0;  // neither algorithm has any
    case TCP_CONGESTION: return get_congestion(socket.options, value, length);
    case TCP_FASTOPEN_KEY:
      return give(socket.options.fast_open_key_bytes.data(),
                  socket.options.fast_open_key_bytes.size(), value, length);
    case TCP_MAXSEG: {
      if (connection != nullptr && tcp::is_synchronized(connection->state()))
        return give(static_cast<int>(connection->info(now).send_mss), value, length);
      const u32 clamp = socket.options.settings.mss_max;
      return give(static_cast<int>(clamp != 0 ? clamp : 536), value, length);
    }
    case TCP_QUICKACK:
      return give(connection != nullptr && connection->info(now).quick_ack ? 1 : 0, value, length);
    default: return -ENOPROTOOPT;
  }
}

}  // namespace

int Sockets::getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  if (find(fd) == nullptr) return -EBADF;
  if (value == nullptr || length == nullptr) return -EFAULT;
  const auto stream = find_as<TcpSocket>(fd);
  const auto datagram = find_as<UdpSocket>(fd);
  if (stream == nullptr && datagram == nullptr) return -ENOTSOCK;
  const SocketOptions& options = stream != nullptr ? stream->options : datagram->options;
  if (level == SOL_SOCKET) {
    switch (name) {
      case SO_ERROR:
        return give(stream != nullptr ? stream->take_error() : datagram->take_error(), value,
                    length);
      case SO_TYPE: return give(stream != nullptr ? SOCK_STREAM : SOCK_DGRAM, value, length);
      case SO_PROTOCOL: return give(stream != nullptr ? IPPROTO_TCP : IPPROTO_UDP, value, length);
      case SO_DOMAIN:
        return give(stream != nullptr ? stream->family() : datagram->family(), value, length);
      case SO_ACCEPTCONN:
        return give(stream != nullptr && stream->is_listening() ? 1 : 0, value, length);
      case SO_LINGER: return get_linger(options, value, length);
      case SO_RCVTIMEO: return get_time(options.receive_timeout, value, length);
      case SO_SNDTIMEO: return get_time(options.send_timeout, value, length);
      case SO_MEMINFO: return get_memory(stream.get(), options, value, length);
      default: break;
    }
  }
  if (const auto known = get_option(options, level, name)) return give(*known, value, length);
  if (level != IPPROTO_TCP) return -ENOPROTOOPT;
  return stream == nullptr ? -EOPNOTSUPP
                           : get_stream_option(*stream, environment_.now(), name, value, length);
}

int Sockets::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (find(fd) == nullptr) return -EBADF;
  if (value == nullptr && length > 0) return -EFAULT;
  const auto stream = find_as<TcpSocket>(fd);
  const auto datagram = find_as<UdpSocket>(fd);
  if (stream == nullptr && datagram == nullptr) return -ENOTSOCK;
  if (level == IPPROTO_TCP && stream == nullptr) return -EOPNOTSUPP;
  SocketOptions& options = stream != nullptr ? stream->options : datagram->options;
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT) {
    if (!stream->is_fresh()) return -EINVAL;
    options.fast_open_flags = defaults_().fast_open_flags;  // a sysctl may change at any time
  }
  int status = 0;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    status = set_linger(options, value, length);
  } else if (level == SOL_SOCKET && name == SO_RCVTIMEO) {
    status = set_time(options.receive_timeout, value, length);
  } else if (level == SOL_SOCKET && name == SO_SNDTIMEO) {
    status = set_time(options.send_timeout, value, length);
  } else if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY) {
    status = set_fast_open_key(options, value, length);
  } else if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
    status = set_congestion(options, value, length);
  } else {
    int number = 0;
    if (length >= sizeof number) {
      std::memcpy(&number, value, sizeof number);
    } else if (length >= 1) {
      number = *static_cast<const u8*>(value);
    } else {
      return -EINVAL;
    }
    status = set_option(options, level, name, number);
  }
  if (status == 0 && stream != nullptr) stream->apply_options();
  environment_.changed();
  return status;
}

int Sockets::ioctl(int fd, unsigned long request, int* argument) {
  const Held descriptor = find(fd);
  if (descriptor == nullptr) return -EBADF;
  if (argument == nullptr) return -EFAULT;
  if (request == FIONBIO) {
    descriptor->non_blocking = *argument != 0;
    return 0;
  }
  const auto socket = find_as<TcpSocket>(fd);
  if (socket == nullptr) return -ENOTTY;
  if (socket->is_listening()) return -EINVAL;
  const tcp::Connection* connection = socket->connection();
  switch (request) {
    case SIOCINQ:
      *argument = connection == nullptr ? 0 : static_cast<int>(connection->received_size());
      return 0;
    case SIOCOUTQ:
      *argument = connection == nullptr ? 0 : static_cast<int>(connection->unacknowledged());
      return 0;
    case SIOCOUTQNSD:
      *argument = connection == nullptr ? 0 : static_cast<int>(connection->not_sent());
      return 0;
    case SIOCATMARK: *argument = socket->is_at_mark() ? 1 : 0; return 0;
    default: return -ENOTTY;
  }
}

}  // namespace handfast::io::posix
