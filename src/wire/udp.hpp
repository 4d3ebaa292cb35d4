// The User Datagram Protocol (RFC 768; over IPv6 RFC 8200 §8.1).
#pragma once

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

inline constexpr u32 udp_header_size = 8;

struct UdpHeader {
  u16 source_port = 0;  // 0: none, no answer is expected
  u16 destination_port = 0;
  friend bool operator==(const UdpHeader&, const UdpHeader&) = default;
};
struct UdpDatagram {
  UdpHeader header = {};
  Bytes payload = {};
};

/// Reads and verifies a datagram that lay in an IP packet between these addresses. A checksum of 0
/// means "none" over IPv4 and is refused over IPv6. Bytes behind the datagram's own length are left
/// out.
Result<UdpDatagram, Drop> parse_udp(Bytes datagram, const IpAddress& source,
                                    const IpAddress& destination);
/// Writes 8 bytes with the checksum over `payload`; returns their number.
u32 emit_udp(const UdpHeader& header, Bytes payload, const IpAddress& source,
             const IpAddress& destination, MutBytes out);

}  // namespace handfast::wire
