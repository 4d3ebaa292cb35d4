// Packets as a stranger on the wire would make them, and a look into those that hosts sent.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/types.hpp"
#include "support/lan.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace handfast::test {

inline Packet ethernet(const wire::MacAddress& to_mac, const wire::MacAddress& from_mac,
                       u16 ether_type, Bytes payload) {
  Packet frame(wire::ethernet_header_size);
  wire::emit_ethernet({to_mac, from_mac, ether_type}, frame);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}
/// An IP packet in a frame to `to_mac`.
inline Packet framed(const wire::MacAddress& to_mac, const wire::MacAddress& from_mac,
                     const Packet& packet) {
  const bool v4 = packet[0] >> 4 == 4;
  return ethernet(to_mac, from_mac, v4 ? wire::ether_type_ipv4 : wire::ether_type_ipv6, packet);
}
inline Packet ip(const wire::IpHeader& header, Bytes payload) {
  Packet packet(wire::ip_header_size(header));
  wire::emit_ip(header, to<u32>(payload.size()), packet);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}
inline Packet icmp(const wire::IpAddress& source, const wire::IpAddress& destination,
                   const wire::IcmpMessage& message, u8 hop_limit = 64) {
  Packet body(2000);
  const bool v4 = source.is_v4();
  body.resize(v4 ? wire::emit_icmpv4(message, body)
                 : wire::emit_icmpv6(message, source, destination, body));
  return ip({.source = source,
             .destination = destination,
             .protocol = v4 ? wire::protocol_icmp : wire::protocol_icmpv6,
             .hop_limit = hop_limit},
            body);
}
inline Packet udp_message(const wire::Endpoint& source, const wire::Endpoint& destination,
                          Bytes payload) {
  Packet body(wire::udp_header_size);
  wire::emit_udp({source.port, destination.port}, payload, source.address, destination.address,
                 body);
  body.insert(body.end(), payload.begin(), payload.end());
  return body;
}
inline Packet udp(const wire::Endpoint& source, const wire::Endpoint& destination, Bytes payload) {
  return ip({.source = source.address,
             .destination = destination.address,
             .protocol = wire::protocol_udp},
            udp_message(source, destination, payload));
}
inline Packet tcp_packet(const wire::Endpoint& source, const wire::Endpoint& destination,
                         wire::TcpHeader header, Bytes payload = {}) {
  header.source_port = source.port;
  header.destination_port = destination.port;
  Packet body(wire::tcp_header_size_of(header));
  wire::emit_tcp(header, {payload, Bytes{}}, source.address, destination.address, body);
  body.insert(body.end(), payload.begin(), payload.end());
  return ip({.source = source.address,
             .destination = destination.address,
             .protocol = wire::protocol_tcp},
            body);
}
inline Packet arp(wire::ArpPacket::Operation operation, const wire::MacAddress& sender_mac,
                  std::string_view sender, const wire::MacAddress& target_mac,
                  std::string_view target) {
  Packet body(wire::arp_size);
  wire::emit_arp({operation, sender_mac, address(sender), target_mac, address(target)}, body);
  return body;
}

/// The ARP packet in a frame, if that is what it holds.
inline std::optional<wire::ArpPacket> as_arp(const Packet& frame) {
  const auto parsed = wire::parse_ethernet(frame);
  if (!parsed || parsed->header.ether_type != wire::ether_type_arp) return std::nullopt;
  const auto packet = wire::parse_arp(parsed->payload);
  return packet ? std::optional(*packet) : std::nullopt;
}
/// The IP packet in a frame of either kind.
inline std::optional<wire::IpPacket> as_ip(const Packet& frame, bool is_ethernet) {
  Bytes bytes = frame;
  if (is_ethernet) {
    const auto parsed = wire::parse_ethernet(frame);
    if (!parsed || parsed->header.ether_type == wire::ether_type_arp) return std::nullopt;
    bytes = parsed->payload;
  }
  const auto packet = wire::parse_ip(bytes);
  return packet ? std::optional(*packet) : std::nullopt;
}
inline std::optional<wire::TcpSegment> as_tcp(const Packet& frame, bool is_ethernet) {
  const auto packet = as_ip(frame, is_ethernet);
  if (!packet || packet->header.protocol != wire::protocol_tcp) return std::nullopt;
  const auto segment =
      wire::parse_tcp(packet->payload, packet->header.source, packet->header.destination);
  return segment ? std::optional(*segment) : std::nullopt;
}
/// The ICMP message of kind T in a frame, checksum verified.
template <class T>
std::optional<T> as_icmp(const Packet& frame, bool is_ethernet) {
  const auto packet = as_ip(frame, is_ethernet);
  if (!packet) return std::nullopt;
  const wire::IpHeader& header = packet->header;
  Result<wire::IcmpMessage, wire::Drop> message = failure(wire::Drop::bad_type);
  if (header.protocol == wire::protocol_icmp) message = wire::parse_icmpv4(packet->payload);
  if (header.protocol == wire::protocol_icmpv6)
    message =
        wire::parse_icmpv6(packet->payload, header.source, header.destination, header.hop_limit);
  if (!message) return std::nullopt;
  const T* found = std::get_if<T>(&*message);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

inline u64 dropped(const host::Host& host, wire::Drop reason) {
  return host.counters().drops[to<u8>(reason)];
}

}  // namespace handfast::test
