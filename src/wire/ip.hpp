// What IPv4 (RFC 791) and IPv6 (RFC 8200) have in common, as one value.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

inline constexpr u8 protocol_icmp = 1;
inline constexpr u8 protocol_tcp = 6;
inline constexpr u8 protocol_udp = 17;
inline constexpr u8 protocol_icmpv6 = 58;
inline constexpr u8 protocol_no_next_header = 59;

inline constexpr u32 ipv4_header_size = 20;  // as we emit it: without options
inline constexpr u32 ipv6_header_size = 40;
inline constexpr u32 ipv6_fragment_header_size = 8;

/// Where a piece lies in its datagram. Offsets and lengths are in bytes.
struct Fragment {
  u32 identification = 0;
  u32 offset = 0;
  bool more = false;
  friend bool operator==(const Fragment&, const Fragment&) = default;
};

/// An IP header of either version; the version is that of the addresses.
struct IpHeader {
  IpAddress source = {};
  IpAddress destination = {};
  u8 protocol = 0;             // of the payload, behind all extension headers
  u8 hop_limit = 64;           // IPv4: time to live
  u8 traffic_class = 0;        // IPv4: type of service; the low two bits are ECN (RFC 3168)
  u32 flow_label = 0;          // IPv6 only, 20 bits
  bool dont_fragment = false;  // IPv4 only
  u16 identification = 0;      // IPv4 only, where not a fragment
  std::optional<Fragment> fragment = {};  // only where it is one
  u8 ecn() const { return traffic_class & 3; }
  friend bool operator==(const IpHeader&, const IpHeader&) = default;
};

struct IpPacket {
  IpHeader header = {};
  Bytes payload = {};      // exactly what the length field says
  u16 header_size = 0;     // bytes before the payload, options and extension headers included
  u16 next_header_at = 0;  // IPv6: where the last Next Header field stands, for RFC 4443 §3.4
};

/// Reads either version by its first four bits. IPv4: the header checksum is verified, options are
/// skipped. IPv6: hop-by-hop, routing, destination-options and fragment headers are walked.
/// Bytes behind the packet (Ethernet padding) are left out.
Result<IpPacket, Drop> parse_ip(Bytes packet);
Result<IpPacket, Drop> parse_ipv4(Bytes packet);
Result<IpPacket, Drop> parse_ipv6(Bytes packet);

/// Once the fragments of a datagram are together: `header` is that of the first one, `payload` all
/// of its data. IPv6 may have put extension headers there, which are walked now.
Result<IpPacket, Drop> parse_reassembled(const IpHeader& header, Bytes payload);
/// The packet that an ICMP error quotes: its end is usually cut off, and routers have changed its
/// header, so that neither lengths nor the header checksum say anything. `payload` is what came.
Result<IpPacket, Drop> parse_quoted(Bytes original);

/// What emit_ip() will write for `header`: 20, 40, or 48 with a fragment header.
u32 ip_header_size(const IpHeader& header);
/// Writes the header for a payload of `payload_length` bytes, IPv4 checksum included; returns its
/// size. `out` must have ip_header_size() of room.
u32 emit_ip(const IpHeader& header, u32 payload_length, MutBytes out);

}  // namespace handfast::wire
