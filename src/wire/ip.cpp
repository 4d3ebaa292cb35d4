// What is the same for IPv4 and IPv6: the choice between them.
#include "wire/ip.hpp"

#include "wire/ip_versions.hpp"

namespace handfast::wire {
namespace {

// 4 or 6 if the packet may be one, else 0.
u8 version_of(Bytes packet) {
  const u8 version = packet[0] >> 4;
  return version == 4 || version == 6 ? version : u8{0};
}

}  // namespace

Result<IpPacket, Drop> parse_ip(Bytes packet) {
  if (packet.empty()) return failure(Drop::truncated);
  const u8 version = version_of(packet);
  if (version == 0) return failure(Drop::bad_version);
  return version == 4 ? parse_ipv4(packet) : parse_ipv6(packet);
}

Result<IpPacket, Drop> parse_quoted(Bytes original) {
  if (original.empty()) return failure(Drop::truncated);
  const u8 version = version_of(original);
  if (version == 0) return failure(Drop::bad_version);
  return version == 4 ? parse_quoted_ipv4(original) : parse_quoted_ipv6(original);
}

Result<IpPacket, Drop> parse_reassembled(const IpHeader& header, Bytes payload) {
  if (header.source.is_v6()) return parse_reassembled_ipv6(header, payload);
  IpPacket packet{.header = header, .payload = payload};
  packet.header.fragment.reset();
  return packet;
}

u32 ip_header_size(const IpHeader& header) {
  if (header.source.is_v4()) return ipv4_header_size;
  return ipv6_header_size + (header.fragment ? ipv6_fragment_header_size : 0u);
}

u32 emit_ip(const IpHeader& header, u32 payload_length, MutBytes out) {
  return header.source.is_v4() ? emit_ipv4(header, payload_length, out)
                               : emit_ipv6(header, payload_length, out);
}

}  // namespace handfast::wire
