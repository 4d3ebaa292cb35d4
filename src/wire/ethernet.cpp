#include "wire/ethernet.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::wire {

Result<EthernetFrame, Drop> parse_ethernet(Bytes frame) {
  if (frame.size() < ethernet_header_size) return failure(Drop::truncated);
  EthernetFrame result{.header = {}, .payload = frame.subspan(ethernet_header_size)};
  std::memcpy(result.header.destination.octets.data(), frame.data(), 6);
  std::memcpy(result.header.source.octets.data(), frame.data() + 6, 6);
  result.header.ether_type = load_be16(frame.data() + 12);
  // IEEE 802.3 §3.2.3: the group bit of a source is reserved, and no sender sets it.
  if (result.header.source.is_group()) return failure(Drop::bad_address);
  return result;
}

u32 emit_ethernet(const EthernetHeader& header, MutBytes out) {
  ASSERT(out.size() >= ethernet_header_size);
  std::memcpy(out.data(), header.destination.octets.data(), 6);
  std::memcpy(out.data() + 6, header.source.octets.data(), 6);
  store_be16(out.data() + 12, header.ether_type);
  return ethernet_header_size;
}

MacAddress multicast_mac(const IpAddress& group) {
  if (group.is_limited_broadcast()) return mac_broadcast;
  ASSERT(group.is_multicast());
  const u8* at = group.octets.data();
  // The low 23 bits of an IPv4 group, so that 32 groups share each address.
  if (group.is_v4()) return {{0x01, 0x00, 0x5e, to<u8>(at[13] & 0x7f), at[14], at[15]}};
  return {{0x33, 0x33, at[12], at[13], at[14], at[15]}};
}

}  // namespace handfast::wire
