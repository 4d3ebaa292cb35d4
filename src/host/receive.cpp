// The way in: RFC 1122 §2.3 and §3.2, RFC 894, RFC 2464.
#include "base/assert.hpp"
#include "host/impl.hpp"
#include "wire/ethernet.hpp"

namespace handfast::host {

using wire::Drop;

namespace {

constexpr u8 protocol_igmp = 2;

}  // namespace

void Host::Impl::expect(Interface in, Bytes frame) const {
  const bool ethernet = config.interfaces[in].link_type == trace::LinkType::ethernet;
  const std::size_t before = ethernet ? wire::ethernet_header_size : 0;
  if (frame.size() > before) tcp.expect(frame.subspan(before));
}

void Host::Impl::on_frame(Interface in, Bytes frame, Instant now, bool checksum_verified) {
  ASSERT(in < config.interfaces.size());
  ++network.counters.frames_in;
  network.counters.bytes_in += frame.size();
  const trace::LinkType link_type = config.interfaces[in].link_type;
  if (network.sink != nullptr) network.sink->on(now, trace::FrameReceived{in, link_type, frame});
  if (link_type == trace::LinkType::ip && tcp.on_plain(in, frame, checksum_verified, now)) return;
  Arrival arrival{.interface = in, .checksum_verified = checksum_verified, .now = now};
  if (link_type == trace::LinkType::ethernet) return on_ethernet(in, frame, arrival);
  on_packet(arrival, frame);
}

void Host::Impl::on_ethernet(Interface in, Bytes bytes, Arrival& arrival) {
  const auto frame = wire::parse_ethernet(bytes);
  if (!frame) return network.drop(frame.error(), bytes, arrival.now);
  const wire::MacAddress& destination = frame->header.destination;
  arrival.link_group = destination.is_group();
  if (!arrival.link_group && destination != config.interfaces[in].mac)
    return network.drop(Drop::not_for_us, bytes, arrival.now);
  switch (frame->header.ether_type) {
    case wire::ether_type_arp: return network.on_arp(in, frame->payload, arrival.now);
    case wire::ether_type_ipv4:
    case wire::ether_type_ipv6: break;
    default: return network.drop(Drop::unknown_protocol, bytes, arrival.now);
  }
  const u8 version = frame->header.ether_type == wire::ether_type_ipv4 ? 4 : 6;
  if (!frame->payload.empty() && frame->payload[0] >> 4 != version)
    return network.drop(Drop::bad_version, frame->payload, arrival.now);
  if (!arrival.link_group &&
      tcp.on_plain(in, frame->payload, arrival.checksum_verified, arrival.now))
    return;
  on_packet(arrival, frame->payload);
}

void Host::Impl::on_packet(Arrival& arrival, Bytes bytes) {
  const auto packet = wire::parse_ip(bytes);
  if (!packet) return network.drop(packet.error(), bytes, arrival.now);
  arrival.header = packet->header;
  arrival.packet = bytes.first(packet->header_size + packet->payload.size());
  arrival.next_header_at = packet->next_header_at;

  const wire::IpAddress& destination = packet->header.destination;
  auto cast = network.routes.accepts(arrival.interface, destination);
  if (!cast && groups.is_joined(arrival.interface, destination)) cast = Cast::multicast;
  // RFC 1122 §3.3.6: a link-layer broadcast must not carry a datagram for one host.
  if (!cast || (arrival.link_group && *cast == Cast::unicast))
    return network.drop(Drop::not_for_us, arrival.packet, arrival.now);
  arrival.cast = *cast;
  if (!is_source_possible(arrival))
    return network.drop(Drop::bad_address, arrival.packet, arrival.now);
  if (packet->header.fragment) return on_fragment(arrival, *packet);
  deliver(arrival, packet->payload);
}

// RFC 1122 §3.2.1.3: our own addresses, loopback and broadcasts are nobody's source out there.
bool Host::Impl::is_source_possible(const Arrival& arrival) const {
  if (arrival.interface == network.routes.loopback()) return true;
  const wire::IpAddress& source = arrival.header.source;
  if (source.is_unspecified()) {
    // Somebody without an address yet: DHCP, or duplicate address detection.
    return arrival.header.protocol == (source.is_v4() ? wire::protocol_udp : wire::protocol_icmpv6);
  }
  return !network.routes.is_ours(source) &&
         !network.routes.is_subnet_broadcast(arrival.interface, source);
}

void Host::Impl::on_fragment(Arrival& arrival, const wire::IpPacket& packet) {
  ++network.counters.fragments_in;
  const auto added = fragments_.add(arrival.interface, packet.header, packet.payload, arrival.now);
  for (u32 left = fragments_.take_evictions(); left > 0; --left)
    network.drop(Drop::fragment_overload, {}, arrival.now);
  if (!added) return network.drop(added.error(), arrival.packet, arrival.now);
  if (!added->has_value()) return;
  const Fragments::Whole& whole = **added;
  const auto parsed = wire::parse_reassembled(whole.header, whole.payload);
  if (!parsed) return network.drop(parsed.error(), whole.packet, arrival.now);
  ++network.counters.datagrams_reassembled;
  arrival.header = parsed->header;
  arrival.packet = whole.packet;
  arrival.checksum_verified = false;
  // Extension headers were found in the payload; without any the fixed header names the protocol.
  arrival.next_header_at =
      parsed->header_size == 0 ? u16{6} : to<u16>(wire::ipv6_header_size + parsed->next_header_at);
  deliver(arrival, parsed->payload);
}

void Host::Impl::deliver(Arrival& arrival, Bytes payload) {
  const bool v4 = arrival.header.destination.is_v4();
  switch (arrival.header.protocol) {
    case wire::protocol_tcp: return tcp.on_segment(arrival, payload);
    case wire::protocol_udp: return udp.on_datagram(arrival, payload);
    case wire::protocol_icmp:
      if (v4) return on_icmp(arrival, payload);
      break;
    case wire::protocol_icmpv6:
      if (!v4 && !groups.on_mld(arrival, payload)) return on_icmp(arrival, payload);
      if (!v4) return;
      break;
    case protocol_igmp:
      if (v4) return groups.on_igmp(arrival, payload);
      break;
    default: break;
  }
  on_unknown_protocol(arrival);
}

void Host::Impl::on_unknown_protocol(const Arrival& arrival) {
  network.drop(Drop::unknown_protocol, arrival.packet, arrival.now);
  // RFC 8200 §4.7: "no next header" means that there is nothing to complain about.
  if (arrival.header.protocol == wire::protocol_no_next_header) return;
  network.send_error(arrival, wire::IcmpProblem::protocol_unreachable, arrival.next_header_at);
}

// What we say to ourselves is heard before anything else leaves.
void Host::Impl::run_loopback(Instant now) {
  constexpr u32 packets_max = 65536;  // an end, should two sockets here answer each other for ever
  for (u32 count = 0; count < packets_max;) {
    const bool spoke = tcp.poll_loopback(now);
    bool heard = false;
    while (const auto packet = network.poll_loopback()) {
      Arrival arrival{
          .interface = network.routes.loopback(), .checksum_verified = true, .now = now};
      on_packet(arrival, packet->bytes());
      network.give_packet(*packet);
      heard = true;
      ++count;
    }
    if (!spoke && !heard) return;
  }
}

void Host::Impl::expire_fragments(Instant now) {
  while (const auto expired = fragments_.pop_expired(now)) {
    network.drop(Drop::fragment_timeout, expired->packet, now);
    if (expired->packet.empty()) continue;
    // RFC 1122 §3.3.2, RFC 8200 §4.5: only where the first fragment had come.
    Arrival arrival{.interface = expired->interface, .header = expired->header, .now = now};
    arrival.header.fragment.reset();
    arrival.packet = expired->packet;
    arrival.cast = network.routes.accepts(arrival.interface, arrival.header.destination)
                       .value_or(Cast::multicast);
    network.send_error(arrival, wire::IcmpProblem::time_exceeded);
  }
}

}  // namespace handfast::host
