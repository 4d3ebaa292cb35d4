// ARP (RFC 826, RFC 1122 §2.3.2) and IPv6 neighbour discovery (RFC 4861 §7), both roles. We answer
// others' duplicate address detection but do none ourselves (RFC 4862 §5.4: addresses are
// configured). What is learned comes only from packets that are meant for us and from addresses
// on the link, so that a stranger can neither fill nor redirect the cache at will.
#include <array>

#include "base/assert.hpp"
#include "host/network.hpp"
#include "wire/ethernet.hpp"

namespace handfast::host {

namespace {

using wire::ArpPacket;
using wire::Drop;
using wire::IpAddress;
using wire::MacAddress;
using wire::NeighbourMessage;

constexpr u8 discovery_hop_limit = 255;  // RFC 4861 §7.1: proof that it comes from the link
constexpr IpAddress all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

}  // namespace

std::optional<MacAddress> Network::resolve(const Hop& hop, Instant now) {
  if (hop.cast == Cast::broadcast) return wire::mac_broadcast;
  if (hop.cast == Cast::multicast) return wire::multicast_mac(hop.next_hop);
  Neighbour* neighbour = neighbours_.find(hop.interface, hop.next_hop);
  if (neighbour == nullptr) {
    neighbour = &add_neighbour(hop.interface, hop.next_hop, now);
    ask(*neighbour, now);
  }
  if (neighbour->state == Neighbour::State::incomplete) return std::nullopt;
  if (neighbour->state == Neighbour::State::resolved && now >= neighbour->fresh_until) {
    neighbour->state = Neighbour::State::probing;
    neighbour->tries = 0;
    ask(*neighbour, now);
  }
  return neighbour->mac;
}

void Network::doubt(const Hop& hop) {
  if (!routes.is_ethernet(hop.interface)) return;
  Neighbour* neighbour = neighbours_.find(hop.interface, hop.next_hop);
  if (neighbour != nullptr) neighbour->fresh_until = Instant{};
}

Neighbour& Network::add_neighbour(Interface interface, const IpAddress& address, Instant now) {
  while (neighbours_.size() > 0 && neighbours_.size() >= config.neighbours_max) {
    Neighbour& oldest = neighbours_.oldest();
    while (!oldest.waiting.empty()) {
      const Packet packet = oldest.waiting.pop_front();
      drop(Drop::neighbour_overload, packet.bytes(), now);
      give_packet(packet);
    }
    neighbours_.remove(oldest);
  }
  return neighbours_.add(interface, address);
}

void Network::ask(Neighbour& neighbour, Instant now) {
  ++neighbour.tries;
  neighbours_.set_timer(neighbour, after(now, config.neighbour_retry));
  const Hop hop{neighbour.interface, Cast::unicast, neighbour.address};
  const auto source = routes.source_for(hop, neighbour.address);
  if (!source) return;  // no address of that family there: it will time out
  trace_neighbour(neighbour, "asked", now);
  // RFC 1122 §2.3.2.1 (2): an old entry is asked for by unicast.
  const bool again = neighbour.state == Neighbour::State::probing;
  if (neighbour.address.is_v4()) {
    ask_by_arp(neighbour, *source, again, now);
  } else {
    ask_by_solicitation(neighbour, *source, again, now);
  }
}

void Network::ask_by_arp(const Neighbour& neighbour, const IpAddress& source, bool again,
                         Instant now) {
  const ArpPacket request{.operation = ArpPacket::Operation::request,
                          .sender_mac = config.interfaces[neighbour.interface].mac,
                          .sender_ip = source,
                          .target_mac = {},
                          .target_ip = neighbour.address};
  send_arp(neighbour.interface, request, again ? neighbour.mac : wire::mac_broadcast, now);
}

void Network::ask_by_solicitation(const Neighbour& neighbour, const IpAddress& source, bool again,
                                  Instant now) {
  const NeighbourMessage message{.target = neighbour.address,
                                 .link_layer = config.interfaces[neighbour.interface].mac};
  const IpAddress group = wire::solicited_node(neighbour.address);
  send_neighbour_message(neighbour.interface, message, source, again ? neighbour.address : group,
                         again ? neighbour.mac : wire::multicast_mac(group), now);
}

void Network::learn(Neighbour& neighbour, const MacAddress& mac, bool fresh, Instant now) {
  const bool news = neighbour.state == Neighbour::State::incomplete || neighbour.mac != mac;
  neighbour.mac = mac;
  neighbour.state = Neighbour::State::resolved;
  neighbour.tries = 0;
  neighbour.fresh_until = fresh ? after(now, config.neighbour_lifetime) : now;
  neighbours_.set_timer(neighbour, never);
  neighbours_.renew(neighbour);
  if (news) trace_neighbour(neighbour, "resolved", now);
  while (!neighbour.waiting.empty()) {
    const Packet packet = neighbour.waiting.pop_front();
    const bool v4 = neighbour.address.is_v4();
    frame_and_push(neighbour.interface, packet, mac,
                   v4 ? wire::ether_type_ipv4 : wire::ether_type_ipv6, now);
  }
}

void Network::on_deadline(Instant now) {
  while (Neighbour* neighbour = neighbours_.pop_due(now)) {
    if (neighbour->state == Neighbour::State::resolved) continue;
    if (neighbour->tries >= config.neighbour_tries_max) {
      give_up(*neighbour, now);
    } else {
      ask(*neighbour, now);
    }
  }
}

void Network::give_up(Neighbour& neighbour, Instant now) {
  trace_neighbour(neighbour, "failed", now);
  while (!neighbour.waiting.empty()) {
    const Packet packet = neighbour.waiting.pop_front();
    drop(Drop::neighbour_timeout, packet.bytes(), now);
    unreachable_.push_back(packet);
  }
  neighbours_.remove(neighbour);
}

bool Network::may_learn(Interface in, const IpAddress& address, const MacAddress& mac) const {
  return !mac.is_group() && mac != MacAddress{} && !address.is_multicast() &&
         routes.is_on_link(in, address) && !routes.is_ours(address) &&
         !routes.is_subnet_broadcast(in, address);
}

// ARP ---------------------------------------------------------------------------------------------

// RFC 826, "Packet Reception": merge into what is known, add only if we are the target.
void Network::on_arp(Interface in, Bytes packet, Instant now) {
  const auto arp = wire::parse_arp(packet);
  if (!arp) return drop(arp.error(), packet, now);
  const bool for_us = routes.is_address_of(in, arp->target_ip);
  const bool announces = arp->sender_ip == arp->target_ip;
  const bool is_request = arp->operation == ArpPacket::Operation::request;
  if (!for_us && !announces) return drop(Drop::not_for_us, packet, now);

  // A probe from 0.0.0.0 (RFC 5227 §2.1.1) is answered, and teaches nothing.
  if (may_learn(in, arp->sender_ip, arp->sender_mac)) {
    Neighbour* neighbour = neighbours_.find(in, arp->sender_ip);
    if (neighbour == nullptr && for_us && is_request)
      neighbour = &add_neighbour(in, arp->sender_ip, now);
    if (neighbour != nullptr) learn(*neighbour, arp->sender_mac, true, now);
  } else if (!arp->sender_ip.is_unspecified()) {
    return drop(Drop::bad_address, packet, now);
  }
  if (!for_us || !is_request) return;
  const ArpPacket reply{.operation = ArpPacket::Operation::reply,
                        .sender_mac = config.interfaces[in].mac,
                        .sender_ip = arp->target_ip,
                        .target_mac = arp->sender_mac,
                        .target_ip = arp->sender_ip};
  send_arp(in, reply, arp->sender_mac, now);
}

void Network::send_arp(Interface on, const ArpPacket& arp, const MacAddress& to_mac, Instant now) {
  const Packet packet = take_packet(wire::arp_size);
  if (packet.block.empty()) return drop(Drop::queue_full, {}, now);
  wire::emit_arp(arp, packet.bytes());
  frame_and_push(on, packet, to_mac, wire::ether_type_arp, now);
}

// Neighbour discovery -----------------------------------------------------------------------------

void Network::on_neighbour(const Arrival& arrival, const NeighbourMessage& message) {
  // RFC 4861 §7.1.1, §7.1.2: "Target Address is not a multicast address".
  if (!routes.is_ethernet(arrival.interface) || message.target.is_multicast())
    return drop(Drop::bad_type, arrival.packet, arrival.now);
  if (message.advertisement) {
    on_advertisement(arrival, message);
  } else {
    on_solicitation(arrival, message);
  }
}

// RFC 4861 §7.2.3 and §7.2.4.
void Network::on_solicitation(const Arrival& arrival, const NeighbourMessage& message) {
  const IpAddress& source = arrival.header.source;
  const Interface in = arrival.interface;
  const bool is_probe = source.is_unspecified();  // duplicate address detection, RFC 4862 §5.4
  // §7.1.1: a probe goes to the solicited-node group and carries no source link-layer address.
  if (is_probe && (message.link_layer || arrival.cast != Cast::multicast))
    return drop(Drop::bad_address, arrival.packet, arrival.now);
  if (!routes.is_address_of(in, message.target))
    return drop(Drop::not_for_us, arrival.packet, arrival.now);

  if (!is_probe && message.link_layer && may_learn(in, source, *message.link_layer)) {
    Neighbour* neighbour = neighbours_.find(in, source);
    if (neighbour == nullptr) neighbour = &add_neighbour(in, source, arrival.now);
    learn(*neighbour, *message.link_layer, true, arrival.now);
  }
  const NeighbourMessage answer{.advertisement = true,
                                .target = message.target,
                                .link_layer = config.interfaces[in].mac,
                                .router = false,
                                .solicited = !is_probe,
                                .override = true};
  const Hop hop{in, is_probe ? Cast::multicast : Cast::unicast, is_probe ? all_nodes : source};
  if (!is_probe && !routes.is_on_link(in, source))
    return drop(Drop::no_route, arrival.packet, arrival.now);
  if (const auto mac = resolve(hop, arrival.now))
    send_neighbour_message(in, answer, message.target, hop.next_hop, *mac, arrival.now);
}

// RFC 4861 §7.2.5. Only what we asked for is taken: "There is no need to create an entry if none
// exists, since the recipient has apparently not initiated any communication with the target."
void Network::on_advertisement(const Arrival& arrival, const NeighbourMessage& message) {
  if (arrival.cast == Cast::multicast && message.solicited)
    return drop(Drop::bad_type, arrival.packet, arrival.now);
  Neighbour* neighbour = neighbours_.find(arrival.interface, message.target);
  if (neighbour == nullptr) return;
  const bool incomplete = neighbour->state == Neighbour::State::incomplete;
  if (incomplete && !message.link_layer) return;
  const MacAddress mac = message.link_layer.value_or(neighbour->mac);
  if (!may_learn(arrival.interface, message.target, mac))
    return drop(Drop::bad_address, arrival.packet, arrival.now);
  if (!incomplete && mac != neighbour->mac && !message.override) {
    neighbour->fresh_until = arrival.now;  // doubtful: ask again at the next use
    return;
  }
  neighbour->router = message.router;
  if (incomplete || message.solicited || mac != neighbour->mac)
    learn(*neighbour, mac, message.solicited, arrival.now);
}

void Network::send_neighbour_message(Interface on, const NeighbourMessage& message,
                                     const IpAddress& source, const IpAddress& destination,
                                     const MacAddress& to_mac, Instant now) {
  std::array<u8, 64> body;
  const u32 length = wire::emit_icmpv6(message, source, destination, body);
  const wire::IpHeader header{.source = source,
                              .destination = destination,
                              .protocol = wire::protocol_icmpv6,
                              .hop_limit = discovery_hop_limit};
  const u32 header_size = wire::ip_header_size(header);
  const Packet packet = take_packet(header_size + length);
  if (packet.block.empty()) return drop(Drop::queue_full, {}, now);
  wire::emit_ip(header, length, packet.bytes());
  std::ranges::copy(Bytes(body).first(length), packet.bytes().subspan(header_size).begin());
  frame_and_push(on, packet, to_mac, wire::ether_type_ipv6, now);
}

void Network::frame_and_push(Interface on, Packet packet, const MacAddress& to_mac, u16 ether_type,
                             Instant now) {
  wire::emit_ethernet({to_mac, config.interfaces[on].mac, ether_type}, packet.block);
  packet.framed = true;
  push(on, packet, now);
}

void Network::trace_neighbour(const Neighbour& neighbour, std::string_view state, Instant now) {
  if (sink != nullptr)
    sink->on(now, trace::NeighbourChanged{neighbour.address, neighbour.mac, state});
}

}  // namespace handfast::host
