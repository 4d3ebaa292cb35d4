// What an application may choose for one connection, or for a listener and all that it accepts;
// Config holds the choice for those that choose nothing. Beside each the socket option that it is.
#pragma once

#include <deque>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

/// Congestion control: RFC 9438 or RFC 5681.
enum class Algorithm : u8 { cubic, reno };

/// Whether acknowledgments wait. Not for ever: the connection goes on learning how its application
/// behaves, from the point that this sets (as TCP_QUICKACK of Linux).
enum class Acknowledge : u8 { automatic, at_once, delayed };

/// RFC 3168 §6.1.1: whether ECN is refused, granted to who asks, or asked for.
enum class Ecn : u8 { off, passive, active };

struct Settings {
  // What a SYN offers, and what is taken of the peer's.
  bool window_scaling = true;  // RFC 7323 §2
  bool timestamps = true;      // RFC 7323 §3
  bool sack = true;            // RFC 2018
  Ecn ecn = Ecn::passive;
  bool accurate_ecn = false;           // RFC 9768 where ECN is granted, and where it is asked for
  u32 receive_window_initial = 65535;  // bytes

  // Sending.
  bool no_delay = false;       // TCP_NODELAY: Nagle's algorithm is off
  bool cork = false;           // TCP_CORK: no part segment for 200 ms
  u32 not_sent_low_water = 0;  // TCP_NOTSENT_LOWAT: writable below this, bytes; 0: no such limit
  u32 send_buffer = 0;         // SO_SNDBUF, bytes; 0: twice the congestion window
  bool pacing = false;         // spread a window over the round trip
  u64 pacing_rate_max = 0;     // SO_MAX_PACING_RATE, bytes a second; 0: any. Implies pacing
  Algorithm congestion = Algorithm::cubic;  // TCP_CONGESTION

  // Receiving.
  Acknowledge acknowledge = Acknowledge::automatic;  // TCP_QUICKACK
  u32 receive_buffer = 0;  // SO_RCVBUF as the largest window, bytes; 0: grows with the need
  u32 window_clamp = 0;    // TCP_WINDOW_CLAMP, bytes; 0: none
  bool urgent_out_of_line = false;  // !SO_OOBINLINE; RFC 6093 §6 wants urgent data in line

  // Patience.
  u32 syn_retries_max = 6;           // TCP_SYNCNT: retransmissions of SYN before the open fails
  Duration user_timeout = 0s;        // TCP_USER_TIMEOUT; RFC 9293 §3.8.3 R2; 0: Config::retries_max
  bool user_timeout_option = false;  // RFC 5482: tell the peer, and be as patient as it asks for
  Duration fin_wait_2_timeout = 60s;  // TCP_LINGER2, once the application let go; negative: none
  bool keepalive = false;             // SO_KEEPALIVE, RFC 9293 §3.8.4
  Duration keepalive_idle = 7200s;    // TCP_KEEPIDLE
  Duration keepalive_interval = 75s;  // TCP_KEEPINTVL
  u32 keepalive_probes_max = 9;       // TCP_KEEPCNT
  Duration heartbeat = 0s;            // Event::heartbeat after so long without a segment; 0: never

  // Fast Open, RFC 7413.
  bool fast_open = false;  // TCP_FASTOPEN_CONNECT, MSG_FASTOPEN: the SYN carries data, or asks
  bool fast_open_no_cookie = false;  // TCP_FASTOPEN_NO_COOKIE, both roles
  u32 fast_open_max = 0;  // TCP_FASTOPEN of a listener: unfinished handshakes with data; 0: none

  Duration defer_accept = 0s;  // TCP_DEFER_ACCEPT of a listener: accept only with data, this long

  // Packets.
  u32 mss_max = 0;       // TCP_MAXSEG, both ways; 0: what the path carries
  u8 traffic_class = 0;  // IP_TOS, IPV6_TCLASS; its two lowest bits are ECN's
  u8 hop_limit = 0;      // IP_TTL, IPV6_UNICAST_HOPS; 0: the host's

  friend bool operator==(const Settings&, const Settings&) = default;
};

/// What the option of RFC 5482 says for these: minutes with the highest bit, or seconds; 0: none.
u16 user_timeout_to_tell(const Settings& settings);
/// What such an option asks for.
Duration user_timeout_of(u16 option);

/// Settings that any number of connections share.
struct SharedSettings {
  Settings value;
  u32 users = 0;
};

class SettingsPool {
 public:
  /// The settings with these values, with one user more.
  SharedSettings* take(const Settings& value);
  static SharedSettings* share(SharedSettings* shared) {
    ++shared->users;
    return shared;
  }
  void give(SharedSettings* shared);

 private:
  std::deque<SharedSettings> all_;
  std::deque<SharedSettings*> free_;
};

}  // namespace handfast::tcp
