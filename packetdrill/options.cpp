#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

namespace handfast::packetdrill {

namespace {

[[noreturn]] void refuse(std::string_view part) {
  std::fprintf(stderr,
               "libhandfast_packetdrill: bad --so_flags \"%.*s\"; known: local=ADDRESS/PREFIX, "
               "mtu=BYTES, personality=linux|freebsd|rfc, seed=NUMBER\n",
               static_cast<int>(part.size()), part.data());
  std::exit(2);
}

template <class Number>
Number number_in(std::string_view text, std::string_view part) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) refuse(part);
  return value;
}

host::InterfaceAddress address_in(std::string_view text, std::string_view part) {
  const auto slash = text.find('/');
  const auto address = wire::IpAddress::parse(text.substr(0, slash));
  if (!address) refuse(part);
  u8 prefix = address->is_v4() ? 32 : 128;
  if (slash != std::string_view::npos) prefix = number_in<u8>(text.substr(slash + 1), part);
  return {*address, prefix};
}

tcp::Personality personality_in(std::string_view name, std::string_view part) {
  if (name == "linux") return tcp::Personality::linux;
  if (name == "freebsd") return tcp::Personality::freebsd;
  if (name != "rfc") refuse(part);
  return tcp::Personality::rfc;
}

/// The numbers in a file below /proc/sys/net/ipv4; none where it cannot be read.
std::vector<i64> sysctl(const char* name) {
  std::ifstream file(std::string("/proc/sys/net/ipv4/") + name);
  std::vector<i64> values;
  for (i64 value = 0; file >> value;) values.push_back(value);
  return values;
}

i64 sysctl_or(const char* name, i64 otherwise) {
  const auto values = sysctl(name);
  return values.empty() ? otherwise : values.front();
}

std::string sysctl_word(const char* name) {
  std::ifstream file(std::string("/proc/sys/net/ipv4/") + name);
  std::string word;
  file >> word;
  return word;
}

// "%08x-%08x-%08x-%08x", each the little-endian reading of four bytes.
std::optional<tcp::FastOpenKey> fast_open_key() {
  const std::string text = sysctl_word("tcp_fastopen_key");
  tcp::FastOpenKey key{};
  for (std::size_t word = 0; word < 4; ++word) {
    if (text.size() < word * 9 + 8) return std::nullopt;
    u32 value = 0;
    std::from_chars(text.data() + word * 9, text.data() + word * 9 + 8, value, 16);
    for (std::size_t i = 0; i < 4; ++i) key[word * 4 + i] = static_cast<u8>(value >> 8 * i);
  }
  return key;
}

u32 bounded(i64 value, u32 low, u32 high) {
  return static_cast<u32>(std::clamp<i64>(value, low, high));
}

}  // namespace

Options parse_options(const char* flags) {
  Options options;
  std::stringstream parts(flags == nullptr ? "" : flags);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto equals = part.find('=');
    if (equals == std::string::npos) refuse(part);
    const std::string name = part.substr(0, equals);
    const std::string value = part.substr(equals + 1);
    if (name == "local") {
      options.addresses.push_back(address_in(value, part));
    } else if (name == "mtu") {
      options.mtu = number_in<u32>(value, part);
      if (options.mtu < 68 || options.mtu > 65535) refuse(part);
    } else if (name == "personality") {
      options.personality = personality_in(value, part);
    } else if (name == "seed") {
      options.seed = number_in<u64>(value, part);
    } else {
      refuse(part);
    }
  }
  const auto has_family = [&](bool v4) {
    return std::ranges::any_of(options.addresses,
                               [&](const auto& one) { return one.address.is_v4() == v4; });
  };
  if (!has_family(true)) options.addresses.push_back(address_in("192.168.0.1/16", "local"));
  if (!has_family(false)) options.addresses.push_back(address_in("fd3d:a0b:17d6::1/64", "local"));
  return options;
}

host::Config make_config(const Options& options) {
  host::Config config;
  config.name = "packetdrill";
  host::InterfaceConfig interface;
  interface.link_type = trace::LinkType::ip;
  interface.mtu = options.mtu;
  interface.addresses = options.addresses;
  interface.checksum_offload = true;
  interface.segment_bytes_max = 65279;
  for (const auto& own : options.addresses) {
    // Whatever is not ours lies beyond the one link.
    auto& gateway = own.address.is_v4() ? interface.gateway_v4 : interface.gateway_v6;
    gateway = own.address;
    gateway->octets[15] = static_cast<u8>(gateway->octets[15] + 1);
  }
  config.interfaces.push_back(interface);

  tcp::Config& tcp = config.tcp;
  tcp = tcp::config_of(options.personality);
  tcp.duplicate_sack = sysctl_or("tcp_dsack", 1) != 0;
  tcp.tail_loss_probe = sysctl_or("tcp_early_retrans", 3) != 0;
  tcp.restart_after_idle = sysctl_or("tcp_slow_start_after_idle", 1) != 0;
  if (options.personality != tcp::Personality::linux) return config;
  tcp.syn_ack_retries_max = bounded(sysctl_or("tcp_synack_retries", 5), 0, 255);
  tcp.retries_max = bounded(sysctl_or("tcp_retries2", 15), 0, 255);
  const auto receive = sysctl("tcp_rmem");
  if (receive.size() == 3) tcp.receive_buffer_max = bounded(receive[2], 4096, 1u << 30);
  const auto send = sysctl("tcp_wmem");
  if (send.size() == 3) tcp.send_buffer_max = bounded(send[2], 4096, 1u << 29) * 2;
  tcp.fast_open_key = fast_open_key();
  tcp.fast_open_pause = std::chrono::seconds(sysctl_or("tcp_fastopen_blackhole_timeout_sec", 0));
  tcp.abort_on_overflow = sysctl_or("tcp_abort_on_overflow", 0) != 0;
  const i64 probing = sysctl_or("tcp_mtu_probing", 0);
  tcp.mtu_probing = probing == 0   ? tcp::MtuProbing::off
                    : probing == 1 ? tcp::MtuProbing::black_hole
                                   : tcp::MtuProbing::always;
  tcp.burst_segments_min = bounded(sysctl_or("tcp_min_tso_segs", 2), 1, 64);
  return config;
}

io::posix::SocketOptions socket_defaults(const Options& options) {
  io::posix::SocketOptions defaults;
  tcp::Settings& settings = defaults.settings;
  settings = tcp::config_of(options.personality);
  // The sockets keep to their own limits; the connection's is beyond them.
  settings.send_buffer = 1u << 30;
  settings.window_scaling = sysctl_or("tcp_window_scaling", 1) != 0;
  settings.timestamps = sysctl_or("tcp_timestamps", 1) != 0;
  settings.sack = sysctl_or("tcp_sack", 1) != 0;
  if (options.personality != tcp::Personality::linux) {
    defaults.buffers.receive = 65536;
    defaults.buffers.send = 32768;
    defaults.whole_segments = options.personality == tcp::Personality::freebsd;
    return defaults;
  }
  const auto receive = sysctl("tcp_rmem");
  if (receive.size() == 3) {
    defaults.buffers.receive = bounded(receive[1], 2304, 1u << 30);
    // Half of the buffer is the system's own (tcp_adv_win_scale 1); a SYN's window is not scaled.
    settings.receive_window_initial = bounded(receive[1] / 2, 2048, 65535);
  }
  const auto send = sysctl("tcp_wmem");
  if (send.size() == 3) {
    defaults.buffers.send = bounded(send[1], 4608, 1u << 30);
    defaults.buffers.send_max = bounded(send[2], 4608, 1u << 30);
  }
  defaults.fast_open_flags = bounded(sysctl_or("tcp_fastopen", 1), 0, 0xffff'ffff);
  const i64 ecn = sysctl_or("tcp_ecn", 2);
  // 1 classic, 3 accurate; 2 and 5 the same where the peer asks; 4 asks for classic.
  settings.ecn = ecn == 0               ? tcp::Ecn::off
                 : ecn == 2 || ecn == 5 ? tcp::Ecn::passive
                                        : tcp::Ecn::active;
  settings.accurate_ecn = ecn == 3 || ecn == 5;
  settings.syn_retries_max = bounded(sysctl_or("tcp_syn_retries", 6), 1, 127);
  settings.keepalive_idle = std::chrono::seconds(sysctl_or("tcp_keepalive_time", 7200));
  settings.keepalive_interval = std::chrono::seconds(sysctl_or("tcp_keepalive_intvl", 75));
  settings.keepalive_probes_max = bounded(sysctl_or("tcp_keepalive_probes", 9), 1, 127);
  settings.fin_wait_2_timeout = std::chrono::seconds(sysctl_or("tcp_fin_timeout", 60));
  const auto low_water = static_cast<u32>(sysctl_or("tcp_notsent_lowat", 0xffff'ffff));
  defaults.buffers.not_sent_low_water = low_water;
  settings.not_sent_low_water = low_water == 0xffff'ffff ? 0 : low_water;
  if (sysctl_word("tcp_congestion_control") == "reno") settings.congestion = tcp::Algorithm::reno;
  return defaults;
}

}  // namespace handfast::packetdrill
