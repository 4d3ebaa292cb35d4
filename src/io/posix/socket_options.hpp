// What setsockopt() keeps for a socket: what its connection must know, and what only calls do.
#pragma once

#include <optional>
#include <vector>

#include <sys/socket.h>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/settings.hpp"

namespace handfast::io::posix {

/// What the system's sysctls give new sockets, bytes.
struct BufferDefaults {
  u32 send = 262144;
  u32 receive = 131072;
  u32 send_max = 4u << 20;
  u32 receive_max = 6u << 20;
  u32 not_sent_low_water = 0xffff'ffff;  // tcp_notsent_lowat
};

/// The bits of Linux's sysctl tcp_fastopen.
struct FastOpenFlags {
  static constexpr u32 client = 1, server = 2, client_no_cookie = 4, server_no_cookie = 0x200,
                       server_without_option = 0x400;
};

struct SocketOptions {
  tcp::Settings settings{};
  BufferDefaults buffers{};
  std::optional<Duration> linger{};  // SO_LINGER on
  Duration receive_timeout = 0s;     // SO_RCVTIMEO; 0: none
  Duration send_timeout = 0s;        // SO_SNDTIMEO
  u32 send_buffer = 0;               // SO_SNDBUF as getsockopt() tells it; 0: the default
  u32 receive_buffer = 0;            // SO_RCVBUF
  u32 not_sent_low_water = 0;        // TCP_NOTSENT_LOWAT; 0: the system's
  u32 receive_low_water = 1;         // SO_RCVLOWAT
  int priority = 0;                  // SO_PRIORITY
  int mark = 0;                      // SO_MARK
  u32 timestamping = 0;              // SO_TIMESTAMPING flags
  u32 fast_open_flags = 0;           // tcp_fastopen: FastOpenFlags
  std::optional<tcp::FastOpenKeys> fast_open_keys{};  // TCP_FASTOPEN_KEY
  std::vector<u8> fast_open_key_bytes{};              // and as it was given
  int mtu_discover = 1;                               // IP_MTU_DISCOVER: IP_PMTUDISC_WANT
  bool fast_open_connect = false;                     // TCP_FASTOPEN_CONNECT
  bool reuse_address = false;
  bool reuse_port = false;
  bool v6_only = false;
  bool receive_errors = false;  // IP_RECVERR
  bool tell_queued = false;     // TCP_INQ
  bool zerocopy = false;        // SO_ZEROCOPY
  bool whole_segments = false;  // the receive buffer is rounded up to them (FreeBSD)
  bool free_bind = false;       // IP_FREEBIND
};

}  // namespace handfast::io::posix
