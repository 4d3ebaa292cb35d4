// RFC 791 §3.1, RFC 8200 §3, RFC 9293 §3.1.
#include "wire/plain_segment.hpp"

#include "base/byte_order.hpp"
#include "wire/ip.hpp"
#include "wire/ip_versions.hpp"
#include "wire/tcp_options.hpp"

namespace handfast::wire {
namespace {

constexpr u16 header_words = 0xf000;
constexpr u16 flags_mask = 0x1ff;

struct Layers {
  Bytes addresses;  // both, as they stand in the packet
  Bytes tcp;        // none where this is not the plain case
};

Layers parse_network(Bytes packet, Flow& flow, u8& ecn) {
  const u8* at = packet.data();
  if (packet.size() >= ipv4_header_size + tcp_header_size && at[0] == 0x45) {
    const u32 length = load_be16(at + 2);
    const bool fragment = (load_be16(at + 6) & 0x3fff) != 0;
    if (at[9] != protocol_tcp || fragment || length > packet.size() ||
        length < ipv4_header_size + tcp_header_size || !is_ipv4_header_intact(at))
      return {};
    flow.remote.address = IpAddress::from_v4(at + 12);
    flow.local.address = IpAddress::from_v4(at + 16);
    ecn = at[1] & 3;
    return {packet.subspan(12, 8), packet.subspan(ipv4_header_size, length - ipv4_header_size)};
  }
  if (packet.size() >= ipv6_header_size + tcp_header_size && at[0] >> 4 == 6) {
    const u32 length = load_be16(at + 4);
    if (at[6] != protocol_tcp || ipv6_header_size + length > packet.size() ||
        length < tcp_header_size)
      return {};
    flow.remote.address = IpAddress::from_v6(at + 8);
    flow.local.address = IpAddress::from_v6(at + 24);
    if (flow.remote.address.is_v4() || flow.local.address.is_v4()) return {};
    ecn = (at[1] >> 4) & 3;
    return {packet.subspan(8, 32), packet.subspan(ipv6_header_size, length)};
  }
  return {};
}

}  // namespace

bool PlainSegment::parse(Bytes packet) {
  const auto [addresses, tcp] = parse_network(packet, flow, ecn);
  if (tcp.empty()) return false;
  const u8* at = tcp.data();
  TcpHeader& h = segment.header;
  h.source_port = flow.remote.port = load_be16(at);
  h.destination_port = flow.local.port = load_be16(at + 2);
  const u16 word = load_be16(at + 12);
  if ((word & flags_mask & ~(TcpFlags::psh | TcpFlags::fin)) != TcpFlags::ack) return false;
  u32 size = tcp_header_size;
  if ((word & header_words) == 8 << 12) {
    size += aligned_timestamps_size;
    if (tcp.size() < size || load_be32(at + tcp_header_size) != aligned_timestamps) return false;
    h.options.timestamps = {load_be32(at + 24), load_be32(at + 28)};
    h.options.raw = tcp.subspan(tcp_header_size, aligned_timestamps_size);
  } else if ((word & header_words) != 5 << 12) {
    return false;
  }
  if (h.source_port == 0 || h.destination_port == 0) return false;
  h.sequence = load_be32(at + 4);
  h.acknowledgment = load_be32(at + 8);
  h.flags = word & flags_mask;
  h.window = load_be16(at + 14);
  h.urgent_pointer = load_be16(at + 18);
  segment.payload = tcp.subspan(size);
  sum.add_pseudo_header(addresses, protocol_tcp, to<u32>(tcp.size()))
      .add_tcp_header(tcp.first(size));
  return true;
}

std::optional<Flow> flow_of_syn(Bytes packet) {
  constexpr u32 flags_at = 13;
  const auto is_syn = [](const u8* tcp) {
    return (tcp[flags_at] & (TcpFlags::syn | TcpFlags::ack)) == TcpFlags::syn;
  };
  const u8* at = packet.data();
  if (packet.size() >= ipv4_header_size + tcp_header_size && at[0] == 0x45) {
    const u8* tcp = at + ipv4_header_size;
    if (at[9] != protocol_tcp || !is_syn(tcp)) return std::nullopt;
    return Flow{{IpAddress::from_v4(at + 16), load_be16(tcp + 2)},
                {IpAddress::from_v4(at + 12), load_be16(tcp)}};
  }
  if (packet.size() >= ipv6_header_size + tcp_header_size && at[0] >> 4 == 6) {
    const u8* tcp = at + ipv6_header_size;
    if (at[6] != protocol_tcp || !is_syn(tcp)) return std::nullopt;
    return Flow{{IpAddress::from_v6(at + 24), load_be16(tcp + 2)},
                {IpAddress::from_v6(at + 8), load_be16(tcp)}};
  }
  return std::nullopt;
}

}  // namespace handfast::wire
