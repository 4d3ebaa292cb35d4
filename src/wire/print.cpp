#include "wire/print.hpp"

#include <variant>

#include <fmt/format.h>

#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/udp.hpp"

namespace handfast::wire {
namespace {

std::string protocol_name(u8 protocol) {
  switch (protocol) {
    case protocol_icmp: return "icmp";
    case protocol_tcp: return "tcp";
    case protocol_udp: return "udp";
    case protocol_icmpv6: return "icmp6";
    case protocol_no_next_header: return "no next header";
    default: return fmt::format("protocol {}", protocol);
  }
}

std::string between(const IpHeader& header) {
  return fmt::format("{} > {}", to_string(header.source), to_string(header.destination));
}

std::string between(const IpHeader& header, u16 source_port, u16 destination_port) {
  return fmt::format("{} > {}", to_string(Endpoint{header.source, source_port}),
                     to_string(Endpoint{header.destination, destination_port}));
}

std::string broken(const IpHeader& header, Drop why) {
  return fmt::format("{} {}: {}", between(header), protocol_name(header.protocol), to_string(why));
}

std::string describe_tcp(const IpPacket& packet) {
  const auto segment = parse_tcp(packet.payload, packet.header.source, packet.header.destination);
  if (!segment) return broken(packet.header, segment.error());
  const TcpHeader& tcp = segment->header;
  std::string line =
      fmt::format("{} tcp {} seq {}", between(packet.header, tcp.source_port, tcp.destination_port),
                  flags_to_string(tcp.flags), tcp.sequence);
  if (tcp.has(TcpFlags::ack)) line += fmt::format(" ack {}", tcp.acknowledgment);
  line += fmt::format(" win {}", tcp.window);
  if (tcp.has(TcpFlags::urg)) line += fmt::format(" urg {}", tcp.urgent_pointer);
  line += fmt::format(" len {}", segment->payload.size());
  const std::string options = describe_options(tcp.options);
  return options.empty() ? line : line + ' ' + options;
}

std::string describe_udp(const IpPacket& packet) {
  const auto datagram = parse_udp(packet.payload, packet.header.source, packet.header.destination);
  if (!datagram) return broken(packet.header, datagram.error());
  const UdpHeader& udp = datagram->header;
  return fmt::format("{} udp len {}", between(packet.header, udp.source_port, udp.destination_port),
                     datagram->payload.size());
}

std::string describe(const IcmpEcho& echo) {
  return fmt::format("echo {} id {} seq {} len {}", echo.reply ? "reply" : "request",
                     echo.identifier, echo.sequence, echo.data.size());
}

std::string describe(const IcmpError& error) {
  std::string line(to_string(error.problem));
  if (error.problem == IcmpProblem::packet_too_big) line += fmt::format(", mtu {}", error.mtu);
  if (error.problem == IcmpProblem::parameter_problem) line += fmt::format(" at {}", error.mtu);
  const auto original = parse_quoted(error.original);
  if (!original) return line;
  const IpHeader& header = original->header;
  return fmt::format("{}, for {} {}", line, between(header), protocol_name(header.protocol));
}

std::string describe(const NeighbourMessage& message) {
  const std::string target = to_string(message.target);
  const std::string mac =
      message.link_layer ? ", link layer " + to_string(*message.link_layer) : std::string();
  if (!message.advertisement)
    return fmt::format("neighbour solicitation, who has {}{}", target, mac);
  return fmt::format("neighbour advertisement, {} is here{}{}{}{}", target, mac,
                     message.router ? ", router" : "", message.solicited ? ", solicited" : "",
                     message.override ? ", override" : "");
}

std::string describe(const RouterMessage& message) {
  return message.advertisement ? "router advertisement" : "router solicitation";
}

std::string describe_icmp(const IpPacket& packet) {
  const IpHeader& header = packet.header;
  const auto message =
      header.protocol == protocol_icmp
          ? parse_icmpv4(packet.payload)
          : parse_icmpv6(packet.payload, header.source, header.destination, header.hop_limit);
  if (!message) return broken(header, message.error());
  return fmt::format("{} {} {}", between(header), protocol_name(header.protocol),
                     std::visit([](const auto& what) { return describe(what); }, *message));
}

std::string describe_fragment(const IpPacket& packet, const Fragment& fragment) {
  return fmt::format("{} {} fragment id {} offset {} len {}{}", between(packet.header),
                     protocol_name(packet.header.protocol), fragment.identification,
                     fragment.offset, packet.payload.size(), fragment.more ? " more" : " last");
}

std::string describe_arp(Bytes packet) {
  const auto arp = parse_arp(packet);
  if (!arp) return fmt::format("arp: {}", to_string(arp.error()));
  if (arp->operation == ArpPacket::Operation::reply)
    return fmt::format("arp {} is at {}", to_string(arp->sender_ip), to_string(arp->sender_mac));
  return fmt::format("arp who has {} tell {}", to_string(arp->target_ip),
                     to_string(arp->sender_ip));
}

std::string describe_payload(const EthernetFrame& frame) {
  switch (frame.header.ether_type) {
    case ether_type_ipv4:
    case ether_type_ipv6: return describe_ip(frame.payload);
    case ether_type_arp: return describe_arp(frame.payload);
    default:
      return fmt::format("ether type 0x{:04x} len {}", frame.header.ether_type,
                         frame.payload.size());
  }
}

}  // namespace

std::string describe_ethernet(Bytes frame) {
  const auto parsed = parse_ethernet(frame);
  if (!parsed) return fmt::format("ethernet: {}", to_string(parsed.error()));
  return fmt::format("{} > {} {}", to_string(parsed->header.source),
                     to_string(parsed->header.destination), describe_payload(*parsed));
}

std::string describe_ip(Bytes packet) {
  const auto parsed = parse_ip(packet);
  if (!parsed) return fmt::format("ip: {}", to_string(parsed.error()));
  const IpHeader& header = parsed->header;
  if (header.fragment) return describe_fragment(*parsed, *header.fragment);
  switch (header.protocol) {
    case protocol_tcp: return describe_tcp(*parsed);
    case protocol_udp: return describe_udp(*parsed);
    case protocol_icmp:
      if (header.source.is_v4()) return describe_icmp(*parsed);
      break;
    case protocol_icmpv6:
      if (header.source.is_v6()) return describe_icmp(*parsed);
      break;
    default: break;
  }
  return fmt::format("{} {} len {}", between(header), protocol_name(header.protocol),
                     parsed->payload.size());
}

std::string describe_options(const TcpOptions& options) {
  std::string list;
  const auto add = [&list](const std::string& text) {
    if (!list.empty()) list += ',';
    list += text;
  };
  if (options.mss) add(fmt::format("mss {}", *options.mss));
  if (options.sack_permitted) add("sackOK");
  if (options.timestamps)
    add(fmt::format("TS val {} ecr {}", options.timestamps->value, options.timestamps->echo_reply));
  if (options.window_scale) add(fmt::format("wscale {}", *options.window_scale));
  if (options.user_timeout)
    add(fmt::format("uto {} {}", *options.user_timeout & 0x7fff,
                    (*options.user_timeout & 0x8000) != 0 ? "min" : "s"));
  if (options.fast_open) {
    const Bytes cookie = Bytes(*options.fast_open).first(options.fast_open_size);
    add(cookie.empty() ? "tfo cookiereq" : fmt::format("tfo {:02x}", fmt::join(cookie, "")));
  }
  for (const SackBlock& block : std::span(options.sack).first(options.sack_count))
    add(fmt::format("sack {}:{}", block.left, block.right));
  return list.empty() ? list : '<' + list + '>';
}

}  // namespace handfast::wire
