#include "io/posix/option_table.hpp"

#include <algorithm>
#include <cerrno>
#include <span>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace handfast::io::posix {

namespace {

struct Option {
  int level;
  int name;
  int (*get)(const SocketOptions& options);
  int (*set)(SocketOptions& options, int value);
};

int seconds(Duration time) { return static_cast<int>(time / 1s); }

template <auto member>
int get_flag(const SocketOptions& options) {
  return options.*member ? 1 : 0;
}
template <auto member>
int set_flag(SocketOptions& options, int value) {
  options.*member = value != 0;
  return 0;
}
template <auto member>
int get_setting_flag(const SocketOptions& options) {
  return options.settings.*member ? 1 : 0;
}
template <auto member>
int set_setting_flag(SocketOptions& options, int value) {
  options.settings.*member = value != 0;
  return 0;
}
template <auto member>
int get_number(const SocketOptions& options) {
  return static_cast<int>(options.*member);
}
template <auto member>
int set_number(SocketOptions& options, int value) {
  options.*member = static_cast<std::decay_t<decltype(options.*member)>>(value);
  return 0;
}
template <auto member>
int get_setting_number(const SocketOptions& options) {
  return static_cast<int>(options.settings.*member);
}
template <auto member, int min, int max>
int set_setting_number(SocketOptions& options, int value) {
  if (value < min || value > max) return -EINVAL;
  options.settings.*member = static_cast<std::decay_t<decltype(options.settings.*member)>>(value);
  return 0;
}
template <auto member>
int get_setting_seconds(const SocketOptions& options) {
  return seconds(options.settings.*member);
}
template <auto member, int max>
int set_setting_seconds(SocketOptions& options, int value) {
  if (value < 1 || value > max) return -EINVAL;
  options.settings.*member = std::chrono::seconds(value);
  return 0;
}

// socket(7): the system doubles what is asked for, for its own bookkeeping, and tells the double.
int get_send_buffer(const SocketOptions& o) {
  return static_cast<int>(o.send_buffer != 0 ? o.send_buffer : o.buffers.send);
}
int set_send_buffer(SocketOptions& o, int value) {
  const u32 wanted = std::min<u32>(static_cast<u32>(std::max(value, 0)), o.buffers.send_max);
  o.send_buffer = std::max<u32>(wanted * 2, 4608);
  return 0;
}
int get_receive_buffer(const SocketOptions& o) {
  return static_cast<int>(o.receive_buffer != 0 ? o.receive_buffer : o.buffers.receive);
}
int set_receive_buffer(SocketOptions& o, int value) {
  const u32 wanted = std::min<u32>(static_cast<u32>(std::max(value, 0)), o.buffers.receive_max);
  o.receive_buffer = std::max<u32>(wanted * 2, 2304);
  o.settings.receive_buffer = o.receive_buffer / 2;
  return 0;
}
int get_in_line(const SocketOptions& o) { return o.settings.urgent_out_of_line ? 0 : 1; }
int set_in_line(SocketOptions& o, int value) {
  o.settings.urgent_out_of_line = value == 0;
  return 0;
}
int get_user_timeout(const SocketOptions& o) {
  return static_cast<int>(o.settings.user_timeout / 1ms);
}
int set_user_timeout(SocketOptions& o, int value) {
  if (value < 0) return -EINVAL;
  o.settings.user_timeout = std::chrono::milliseconds(value);
  return 0;
}
int get_defer_accept(const SocketOptions& o) { return seconds(o.settings.defer_accept); }
int set_defer_accept(SocketOptions& o, int value) {
  o.settings.defer_accept = std::chrono::seconds(std::max(value, 0));
  return 0;
}
int get_linger_2(const SocketOptions& o) { return seconds(o.settings.fin_wait_2_timeout); }
int set_linger_2(SocketOptions& o, int value) {
  o.settings.fin_wait_2_timeout = std::chrono::seconds(std::clamp(value, -1, 120));
  if (value == 0) o.settings.fin_wait_2_timeout = tcp::Settings{}.fin_wait_2_timeout;
  return 0;
}
int set_mss(SocketOptions& o, int value) {
  if (value != 0 && (value < 88 || value > 32767)) return -EINVAL;
  o.settings.mss_max = static_cast<u32>(value);
  return 0;
}
int set_quick_ack(SocketOptions& o, int value) {
  o.settings.acknowledge = value != 0 ? tcp::Acknowledge::at_once : tcp::Acknowledge::delayed;
  return 0;
}
int set_low_water(SocketOptions& o, int value) {
  o.receive_low_water = value < 0 ? 0x7fff'ffff : std::max(static_cast<u32>(value), 1u);
  return 0;
}
int set_not_sent(SocketOptions& o, int value) {
  o.not_sent_low_water = static_cast<u32>(value);
  const u32 limit = value != 0 ? o.not_sent_low_water : o.buffers.not_sent_low_water;
  o.settings.not_sent_low_water = limit == 0xffff'ffff ? 0 : limit;
  return 0;
}
int set_pacing(SocketOptions& o, int value) {
  o.settings.pacing_rate_max = value == -1 ? 0 : static_cast<u32>(value);
  return 0;
}
int get_traffic_class(const SocketOptions& o) { return o.settings.traffic_class; }
int set_traffic_class(SocketOptions& o, int value) {
  if (value < -1 || value > 255) return -EINVAL;
  o.settings.traffic_class = value == -1 ? u8{0} : static_cast<u8>(value);
  return 0;
}
int get_hop_limit(const SocketOptions& o) {
  return o.settings.hop_limit != 0 ? o.settings.hop_limit : 64;
}
int set_hop_limit(SocketOptions& o, int value) {
  if (value < -1 || value == 0 || value > 255) return -EINVAL;
  o.settings.hop_limit = value == -1 ? u8{0} : static_cast<u8>(value);
  return 0;
}

int set_fast_open_connect(SocketOptions& o, int value) {
  if (value < 0 || value > 1) return -EINVAL;
  if ((o.fast_open_flags & FastOpenFlags::client) == 0) return -EOPNOTSUPP;
  o.fast_open_connect = value != 0;
  return 0;
}

using O = SocketOptions;
using S = tcp::Settings;

constexpr Option table[] = {
    {SOL_SOCKET, SO_REUSEADDR, get_flag<&O::reuse_address>, set_flag<&O::reuse_address>},
    {SOL_SOCKET, SO_REUSEPORT, get_flag<&O::reuse_port>, set_flag<&O::reuse_port>},
    {SOL_SOCKET, SO_KEEPALIVE, get_setting_flag<&S::keepalive>, set_setting_flag<&S::keepalive>},
    {SOL_SOCKET, SO_OOBINLINE, get_in_line, set_in_line},
    {SOL_SOCKET, SO_SNDBUF, get_send_buffer, set_send_buffer},
    {SOL_SOCKET, SO_RCVBUF, get_receive_buffer, set_receive_buffer},
    {SOL_SOCKET, SO_RCVLOWAT, get_number<&O::receive_low_water>, set_low_water},
    {SOL_SOCKET, SO_PRIORITY, get_number<&O::priority>, set_number<&O::priority>},
    {SOL_SOCKET, SO_MARK, get_number<&O::mark>, set_number<&O::mark>},
    {SOL_SOCKET, SO_ZEROCOPY, get_flag<&O::zerocopy>, set_flag<&O::zerocopy>},
    {SOL_SOCKET, SO_TIMESTAMPING, get_number<&O::timestamping>, set_number<&O::timestamping>},
    {SOL_SOCKET, SO_MAX_PACING_RATE, get_setting_number<&S::pacing_rate_max>, set_pacing},
    {IPPROTO_TCP, TCP_NODELAY, get_setting_flag<&S::no_delay>, set_setting_flag<&S::no_delay>},
    {IPPROTO_TCP, TCP_CORK, get_setting_flag<&S::cork>, set_setting_flag<&S::cork>},
    {IPPROTO_TCP, TCP_MAXSEG, nullptr, set_mss},
    {IPPROTO_TCP, TCP_QUICKACK, nullptr, set_quick_ack},
    {IPPROTO_TCP, TCP_KEEPIDLE, get_setting_seconds<&S::keepalive_idle>,
     set_setting_seconds<&S::keepalive_idle, 32767>},
    {IPPROTO_TCP, TCP_KEEPINTVL, get_setting_seconds<&S::keepalive_interval>,
     set_setting_seconds<&S::keepalive_interval, 32767>},
    {IPPROTO_TCP, TCP_KEEPCNT, get_setting_number<&S::keepalive_probes_max>,
     set_setting_number<&S::keepalive_probes_max, 1, 127>},
    {IPPROTO_TCP, TCP_SYNCNT, get_setting_number<&S::syn_retries_max>,
     set_setting_number<&S::syn_retries_max, 1, 127>},
    {IPPROTO_TCP, TCP_LINGER2, get_linger_2, set_linger_2},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, get_user_timeout, set_user_timeout},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, get_number<&O::not_sent_low_water>, set_not_sent},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, get_setting_number<&S::window_clamp>,
     set_setting_number<&S::window_clamp, 0, 0x7fff'ffff>},
    {IPPROTO_TCP, TCP_INQ, get_flag<&O::tell_queued>, set_flag<&O::tell_queued>},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, get_defer_accept, set_defer_accept},
    {IPPROTO_TCP, TCP_FASTOPEN, get_setting_number<&S::fast_open_max>,
     set_setting_number<&S::fast_open_max, 0, 0x7fff'ffff>},
    {IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, get_setting_flag<&S::fast_open_no_cookie>,
     set_setting_flag<&S::fast_open_no_cookie>},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, get_flag<&O::fast_open_connect>, set_fast_open_connect},
    {IPPROTO_IP, IP_TOS, get_traffic_class, set_traffic_class},
    {IPPROTO_IP, IP_TTL, get_hop_limit, set_hop_limit},
    {IPPROTO_IP, IP_MTU_DISCOVER, get_number<&O::mtu_discover>, set_number<&O::mtu_discover>},
    {IPPROTO_IP, IP_RECVERR, get_flag<&O::receive_errors>, set_flag<&O::receive_errors>},
    {IPPROTO_IP, IP_FREEBIND, get_flag<&O::free_bind>, set_flag<&O::free_bind>},
    {IPPROTO_IPV6, IPV6_TCLASS, get_traffic_class, set_traffic_class},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, get_hop_limit, set_hop_limit},
    {IPPROTO_IPV6, IPV6_RECVERR, get_flag<&O::receive_errors>, set_flag<&O::receive_errors>},
    {IPPROTO_IPV6, IPV6_V6ONLY, get_flag<&O::v6_only>, set_flag<&O::v6_only>},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, get_number<&O::mtu_discover>, set_number<&O::mtu_discover>},
};

const Option* find(int level, int name) {
  const auto found = std::ranges::find_if(
      table, [&](const Option& option) { return option.level == level && option.name == name; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

std::optional<int> get_option(const SocketOptions& options, int level, int name) {
  const Option* option = find(level, name);
  if (option == nullptr || option->get == nullptr) return std::nullopt;
  return option->get(options);
}

int set_option(SocketOptions& options, int level, int name, int value) {
  const Option* option = find(level, name);
  return option == nullptr ? -ENOPROTOOPT : option->set(options, value);
}

}  // namespace handfast::io::posix
