// Ethernet II frames (RFC 894, RFC 2464).
#pragma once

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

inline constexpr u32 ethernet_header_size = 14;
inline constexpr u16 ether_type_ipv4 = 0x0800;
inline constexpr u16 ether_type_arp = 0x0806;
inline constexpr u16 ether_type_ipv6 = 0x86dd;

struct EthernetHeader {
  MacAddress destination = {};
  MacAddress source = {};
  u16 ether_type = 0;
  friend bool operator==(const EthernetHeader&, const EthernetHeader&) = default;
};
struct EthernetFrame {
  EthernetHeader header = {};
  Bytes payload = {};
};

/// The payload is all that follows, padding included. VLAN tags (802.1Q) and lengths (802.3) are
/// ether types like any other here.
Result<EthernetFrame, Drop> parse_ethernet(Bytes frame);
/// Writes 14 bytes; returns their number. `out` must have that much room.
u32 emit_ethernet(const EthernetHeader& header, MutBytes out);
/// 01:00:5e… (RFC 1112 §6.4) or 33:33:… (RFC 2464 §7) for a group address, and the
/// broadcast address for 255.255.255.255.
MacAddress multicast_mac(const IpAddress& group);

}  // namespace handfast::wire
