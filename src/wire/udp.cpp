#include "wire/udp.hpp"

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"

namespace handfast::wire {

Result<UdpDatagram, Drop> parse_udp(Bytes datagram, const IpAddress& source,
                                    const IpAddress& destination) {
  if (datagram.size() < udp_header_size) return failure(Drop::truncated);
  const u8* at = datagram.data();
  const u32 length = load_be16(at + 4);
  if (length < udp_header_size) return failure(Drop::bad_total_length);
  if (length > datagram.size()) return failure(Drop::truncated);
  datagram = datagram.first(length);
  if (load_be16(at + 6) == 0) {
    // RFC 8200 §8.1: "IPv6 receivers must discard UDP packets containing a zero checksum". The
    // tunnels of RFC 6935 are not spoken here.
    if (source.is_v6()) return failure(Drop::bad_checksum);
  } else {
    Checksum sum;
    sum.add_pseudo_header(source, destination, protocol_udp, length).add(datagram);
    if (sum.sum() != 0xffff) return failure(Drop::bad_checksum);
  }
  const UdpHeader header{.source_port = load_be16(at), .destination_port = load_be16(at + 2)};
  if (header.destination_port == 0) return failure(Drop::bad_port);
  return UdpDatagram{.header = header, .payload = datagram.subspan(udp_header_size)};
}

u32 emit_udp(const UdpHeader& header, Bytes payload, const IpAddress& source,
             const IpAddress& destination, MutBytes out) {
  ASSERT(out.size() >= udp_header_size && payload.size() <= 65535 - udp_header_size);
  const u32 length = udp_header_size + to<u32>(payload.size());
  u8* at = out.data();
  store_be16(at, header.source_port);
  store_be16(at + 2, header.destination_port);
  store_be16(at + 4, to<u16>(length));
  store_be16(at + 6, 0);
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_udp, length);
  const u16 field = sum.add(out.first(udp_header_size)).add(payload).finish();
  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
  store_be16(at + 6, field == 0 ? u16{0xffff} : field);
  return udp_header_size;
}

}  // namespace handfast::wire
