// Reporting problems: RFC 1122 §3.2.2, RFC 1812 §4.3.2, RFC 4443 §2.4.
#include <algorithm>
#include <array>

#include "host/network.hpp"

namespace handfast::host {

namespace {

using wire::IcmpProblem;

/// An ICMP message that reports an error; echo and the like do not count.
bool is_error_message(const wire::IpHeader& header, Bytes payload) {
  if (header.protocol == wire::protocol_icmp) {
    // Unreachable, source quench, redirect, time exceeded, parameter problem.
    if (payload.empty()) return true;
    constexpr std::array<u8, 5> errors{3, 4, 5, 11, 12};
    return std::ranges::find(errors, payload[0]) != errors.end();
  }
  if (header.protocol == wire::protocol_icmpv6) {
    constexpr u8 redirect = 137;
    return payload.empty() || payload[0] < 128 || payload[0] == redirect;
  }
  return false;
}

}  // namespace

bool Network::may_report(const Arrival& arrival) const {
  const wire::IpHeader& header = arrival.header;
  // "as the result of receiving … a datagram destined to an IP broadcast or IP multicast address,
  // or a datagram sent as a link-layer broadcast, or a non-initial fragment, or a datagram whose
  // source address does not define a single host"
  if (arrival.cast != Cast::unicast || arrival.link_group) return false;
  if (header.fragment && header.fragment->offset != 0) return false;
  if (header.source.is_unspecified() || header.source.is_multicast() ||
      header.source.is_limited_broadcast() ||
      routes.is_subnet_broadcast(arrival.interface, header.source))
    return false;
  if (header.source.is_loopback() && arrival.interface != routes.loopback()) return false;
  const auto packet = wire::parse_ip(arrival.packet);
  return packet && !is_error_message(packet->header, packet->payload);
}

bool Network::may_send_error_now(Instant now) {
  if (now - errors_second_ >= 1s) {
    errors_second_ = now;
    errors_ = 0;
  }
  return errors_++ < config.icmp_errors_per_second_max;
}

void Network::send_error(const Arrival& arrival, IcmpProblem problem, u32 pointer) {
  if (!may_report(arrival) || !may_send_error_now(arrival.now)) return;
  const auto hop = routes.route(arrival.header.source, arrival.interface);
  if (!hop) return;

  const bool v4 = arrival.header.source.is_v4();
  wire::IpHeader header{.source = arrival.header.destination,
                        .destination = arrival.header.source,
                        .protocol = v4 ? wire::protocol_icmp : wire::protocol_icmpv6,
                        .hop_limit = config.hop_limit,
                        .identification = next_identification()};
  // RFC 1812 §4.3.2.3: as much as fits into 576 bytes; RFC 4443 §2.4 (c): into 1280.
  std::array<u8, 1280 - wire::ipv6_header_size> room;
  const MutBytes out = MutBytes(room).first(v4 ? 576 - wire::ipv4_header_size : room.size());
  wire::IcmpError error{.problem = problem, .mtu = pointer, .original = arrival.packet};
  if (problem == IcmpProblem::time_exceeded) {  // a host only ever means "while reassembling"
    error.type = v4 ? 11 : 3;
    error.code = 1;
  }
  const u32 length = v4 ? wire::emit_icmpv4(error, out)
                        : wire::emit_icmpv6(error, header.source, header.destination, out);
  if (send(header, out.first(length), *hop, arrival.now)) ++counters.icmp_errors_out;
}

}  // namespace handfast::host
