// ICMP in: RFC 1122 §3.2.2, RFC 4443 §3 and §4. Errors go to whoever sent what they quote.
#include <algorithm>
#include <array>
#include <variant>

#include "base/byte_order.hpp"
#include "host/impl.hpp"
#include "wire/path_mtu.hpp"

namespace handfast::host {

using wire::Drop;

namespace {

constexpr u32 echo_header_size = 8;

/// RFC 1191 §7.1: the next smaller MTU in common use, for routers that do not say theirs.
u32 plateau_below(u32 packet_size) {
  constexpr std::array<u32, 8> plateaus{32000, 17914, 8166, 4352, 2002, 1492, 1006, 552};
  const auto found =
      std::ranges::find_if(plateaus, [&](u32 plateau) { return plateau < packet_size; });
  return found == plateaus.end() ? plateaus.back() : *found;
}

}  // namespace

void Host::Impl::on_icmp(const Arrival& arrival, Bytes bytes) {
  const wire::IpHeader& ip = arrival.header;
  const auto message = ip.source.is_v4()
                           ? wire::parse_icmpv4(bytes)
                           : wire::parse_icmpv6(bytes, ip.source, ip.destination, ip.hop_limit);
  if (!message) return network.drop(message.error(), arrival.packet, arrival.now);
  if (const auto* echo = std::get_if<wire::IcmpEcho>(&*message)) {
    on_echo(arrival, *echo);
  } else if (const auto* error = std::get_if<wire::IcmpError>(&*message)) {
    ++network.counters.icmp_errors_in;
    // RFC 5927: an error that a whole group hears is nobody's.
    if (arrival.cast == Cast::unicast) on_error(*error, arrival.now);
  } else if (const auto* neighbour = std::get_if<wire::NeighbourMessage>(&*message)) {
    network.on_neighbour(arrival, *neighbour);
  } else {
    // Routers' messages: routes here are configured, not learned.
    network.drop(Drop::bad_type, arrival.packet, arrival.now);
  }
}

void Host::Impl::on_echo(const Arrival& arrival, const wire::IcmpEcho& echo) {
  const wire::IpHeader& ip = arrival.header;
  const bool v4 = ip.source.is_v4();
  if (echo.reply) return network.drop(Drop::no_socket, arrival.packet, arrival.now);
  // RFC 1122 §3.2.2.6 lets us be silent to groups, and over IPv4 that is the custom; RFC 4443 §4.2
  // wants an answer from a unicast address.
  if ((v4 && arrival.cast != Cast::unicast) || ip.source.is_unspecified())
    return network.drop(Drop::bad_address, arrival.packet, arrival.now);
  const auto hop = network.routes.route(ip.source, arrival.interface);
  if (!hop || hop->cast != Cast::unicast)
    return network.drop(Drop::no_route, arrival.packet, arrival.now);
  const auto source =
      arrival.cast == Cast::unicast ? ip.destination : network.routes.source_for(*hop, ip.source);
  if (!source) return network.drop(Drop::no_route, arrival.packet, arrival.now);

  const Packet reply = network.take_packet(echo_header_size + to<u32>(echo.data.size()));
  if (reply.block.empty()) return network.drop(Drop::queue_full, arrival.packet, arrival.now);
  wire::IcmpEcho answer = echo;
  answer.reply = true;
  const wire::IpHeader header{.source = *source,
                              .destination = ip.source,
                              .protocol = ip.protocol,
                              .hop_limit = config.hop_limit,
                              .identification = network.next_identification()};
  const u32 length = v4 ? wire::emit_icmpv4(answer, reply.bytes())
                        : wire::emit_icmpv6(answer, *source, ip.source, reply.bytes());
  if (network.send(header, reply.bytes().first(length), *hop, arrival.now))
    ++network.counters.echo_replies;
  network.give_packet(reply);
}

void Host::Impl::on_error(const wire::IcmpError& reported, Instant now) {
  const auto quoted = wire::parse_quoted(reported.original);
  if (!quoted || quoted->payload.size() < 8) return;
  const wire::IpHeader& ip = quoted->header;
  if (!network.routes.is_ours(ip.source)) return;
  if (ip.fragment && ip.fragment->offset != 0) return;

  wire::IcmpError error = reported;
  const bool v4 = ip.source.is_v4();
  const bool too_big = error.problem == wire::IcmpProblem::packet_too_big;
  if (too_big) {
    const u32 quoted_size = v4 ? load_be16(reported.original.data() + 2) : 0;
    if (error.mtu == 0 && v4) error.mtu = plateau_below(quoted_size);
    // RFC 8201 §4 and Linux's min_pmtu: below that it is a mistake or an attack.
    error.mtu = std::max(error.mtu, wire::path_mtu_min(v4));
  }
  const u8* const transport = quoted->payload.data();
  const wire::Flow flow{{ip.source, load_be16(transport)},
                        {ip.destination, load_be16(transport + 2)}};
  bool known = false;
  if (ip.protocol == wire::protocol_tcp) {
    known = tcp.on_error(flow, load_be32(transport + 4), error, now);
  } else if (ip.protocol == wire::protocol_udp) {
    known = udp.on_error(flow, error);
  }
  if (known && too_big) network.path_mtus.set(ip.destination, error.mtu, now);
}

// The next hop is silent: to the connection that is as if a router had said so (RFC 1122 §2.4).
void Host::Impl::report_unreachable(Instant now) {
  while (const auto packet = network.poll_unreachable()) {
    const bool v4 = packet->bytes()[0] >> 4 == 4;
    const wire::IcmpError error{.problem = wire::IcmpProblem::host_unreachable,
                                .type = v4 ? u8{3} : u8{1},
                                .code = v4 ? u8{1} : u8{3},
                                .original = packet->bytes()};
    on_error(error, now);
    network.give_packet(*packet);
  }
}

}  // namespace handfast::host
