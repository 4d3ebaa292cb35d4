// The Internet Protocol, RFC 791 §3.1. Options are skipped: those that change a packet's way or
// are changed on it have no use for a host (RFC 7126), and none of them is asked for.
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip_versions.hpp"

namespace handfast::wire {
namespace {

constexpr u16 flag_dont_fragment = 0x4000;
constexpr u16 flag_more_fragments = 0x2000;
constexpr u16 offset_mask = 0x1fff;  // in units of 8 bytes

// The fixed part's fields, from 20 bytes.
void read_fields(const u8* at, IpHeader& header) {
  header.source = IpAddress::from_v4(at + 12);
  header.destination = IpAddress::from_v4(at + 16);
  header.protocol = at[9];
  header.hop_limit = at[8];
  header.traffic_class = at[1];
  const u16 identification = load_be16(at + 4);
  const u16 word = load_be16(at + 6);
  header.dont_fragment = (word & flag_dont_fragment) != 0;
  const bool more = (word & flag_more_fragments) != 0;
  const u32 offset = (word & offset_mask) * 8u;
  if (more || offset != 0)
    header.fragment = Fragment{identification, offset, more};
  else
    header.identification = identification;
}

bool is_header_intact(Bytes header) {
  if (header.size() == ipv4_header_size) return is_ipv4_header_intact(header.data());
  return Checksum{}.add(header).sum() == 0xffff;
}

// The header's size in bytes, or why there is none.
Result<u16, Drop> read_header_size(Bytes packet) {
  if (packet.size() < ipv4_header_size) return failure(Drop::truncated);
  if (packet[0] >> 4 != 4) return failure(Drop::bad_version);
  const u16 size = to<u16>((packet[0] & 0xf) * 4);
  if (size < ipv4_header_size || size > packet.size()) return failure(Drop::bad_header_length);
  return size;
}

}  // namespace

Result<IpPacket, Drop> parse_ipv4(Bytes packet) {
  const auto header_size = read_header_size(packet);
  if (!header_size) return failure(header_size.error());
  const u32 total_length = load_be16(packet.data() + 2);
  if (total_length < *header_size) return failure(Drop::bad_total_length);
  if (total_length > packet.size()) return failure(Drop::truncated);
  if (!is_header_intact(packet.first(*header_size))) return failure(Drop::bad_checksum);

  Result<IpPacket, Drop> result(std::in_place);
  IpHeader& header = result->header;
  read_fields(packet.data(), header);
  result->payload = packet.subspan(*header_size, total_length - *header_size);
  result->header_size = *header_size;
  // RFC 1122 §3.2.1.3: a group is never a source. 0.0.0.0 is, for a host that asks for its
  // address; subnets' broadcasts and loopback are for the host to judge.
  if (header.source.is_multicast() || header.source.is_limited_broadcast())
    result = failure(Drop::bad_address);
  else if (header.fragment && !is_valid(*header.fragment, result->payload.size()))
    result = failure(Drop::bad_fragment);
  return result;
}

Result<IpPacket, Drop> parse_quoted_ipv4(Bytes original) {
  const auto header_size = read_header_size(original);
  if (!header_size) return failure(header_size.error());
  Result<IpPacket, Drop> result(std::in_place);
  read_fields(original.data(), result->header);
  result->payload = original.subspan(*header_size);
  result->header_size = *header_size;
  return result;
}

u32 emit_ipv4(const IpHeader& header, u32 payload_length, MutBytes out) {
  ASSERT(out.size() >= ipv4_header_size && header.destination.is_v4());
  ASSERT(payload_length <= ip_datagram_size_max - ipv4_header_size);
  u8* at = out.data();
  u16 identification = header.identification;
  u16 word = header.dont_fragment ? flag_dont_fragment : u16{0};
  if (header.fragment) {
    ASSERT(header.fragment->offset % 8 == 0 && header.fragment->offset <= ip_datagram_size_max);
    identification = to<u16>(header.fragment->identification);
    word = to<u16>(word | header.fragment->offset / 8);
    if (header.fragment->more) word |= flag_more_fragments;
  }
  const u16 length = to<u16>(ipv4_header_size + payload_length);
  const u32 source = load_be32(header.source.v4_octets());
  const u32 destination = load_be32(header.destination.v4_octets());
  // From the values and not from the bytes, which were written in other sizes than they are read.
  u32 sum = 0x4500u + header.traffic_class + length + identification + word +
            (u32{header.hop_limit} << 8 | header.protocol) + (source >> 16) + (source & 0xffff) +
            (destination >> 16) + (destination & 0xffff);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  store_be16(at, to<u16>(0x4500 | header.traffic_class));
  store_be16(at + 2, length);
  store_be16(at + 4, identification);
  store_be16(at + 6, word);
  store_be16(at + 8, to<u16>(header.hop_limit << 8 | header.protocol));
  store_be16(at + 10, to<u16>(~sum));
  store_be32(at + 12, source);
  store_be32(at + 16, destination);
  return ipv4_header_size;
}

}  // namespace handfast::wire
