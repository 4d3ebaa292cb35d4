// The Address Resolution Protocol for IPv4 over Ethernet (RFC 826).
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

inline constexpr u32 arp_size = 28;

struct ArpPacket {
  enum class Operation : u16 { request = 1, reply = 2 };
  Operation operation = Operation::request;
  MacAddress sender_mac = {};
  IpAddress sender_ip = any_v4;
  MacAddress target_mac = {};
  IpAddress target_ip = any_v4;
  friend bool operator==(const ArpPacket&, const ArpPacket&) = default;
};

std::string_view to_string(ArpPacket::Operation operation);

/// Bytes behind the packet (Ethernet padding) are left out. A sender address of 0.0.0.0 asks
/// whether somebody has the target (RFC 5227).
Result<ArpPacket, Drop> parse_arp(Bytes packet);
/// Writes 28 bytes; returns their number.
u32 emit_arp(const ArpPacket& packet, MutBytes out);

}  // namespace handfast::wire
