#include "wire/arp.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/ethernet.hpp"

namespace handfast::wire {
namespace {

constexpr u16 hardware_ethernet = 1;

MacAddress read_mac(const u8* at) {
  MacAddress mac;
  std::memcpy(mac.octets.data(), at, mac.octets.size());
  return mac;
}

}  // namespace

Result<ArpPacket, Drop> parse_arp(Bytes packet) {
  if (packet.size() < 8) return failure(Drop::truncated);
  const u8* at = packet.data();
  if (load_be16(at) != hardware_ethernet || load_be16(at + 2) != ether_type_ipv4 || at[4] != 6 ||
      at[5] != 4)
    return failure(Drop::bad_type);
  if (packet.size() < arp_size) return failure(Drop::truncated);
  const u16 operation = load_be16(at + 6);
  if (operation != to<u16>(ArpPacket::Operation::request) &&
      operation != to<u16>(ArpPacket::Operation::reply))
    return failure(Drop::bad_type);
  const ArpPacket result{.operation = to<ArpPacket::Operation>(operation),
                         .sender_mac = read_mac(at + 8),
                         .sender_ip = IpAddress::from_v4(at + 14),
                         .target_mac = read_mac(at + 18),
                         .target_ip = IpAddress::from_v4(at + 24)};
  // RFC 1812 §3.3.2: never believe a reply that claims a broadcast or multicast address.
  if (result.sender_mac.is_group() || result.sender_ip.is_multicast() ||
      result.sender_ip.is_limited_broadcast())
    return failure(Drop::bad_address);
  return result;
}

u32 emit_arp(const ArpPacket& packet, MutBytes out) {
  ASSERT(out.size() >= arp_size && packet.sender_ip.is_v4() && packet.target_ip.is_v4());
  u8* at = out.data();
  store_be16(at, hardware_ethernet);
  store_be16(at + 2, ether_type_ipv4);
  at[4] = 6;
  at[5] = 4;
  store_be16(at + 6, to<u16>(packet.operation));
  std::memcpy(at + 8, packet.sender_mac.octets.data(), 6);
  std::memcpy(at + 14, packet.sender_ip.v4_octets(), 4);
  std::memcpy(at + 18, packet.target_mac.octets.data(), 6);
  std::memcpy(at + 24, packet.target_ip.v4_octets(), 4);
  return arp_size;
}

std::string_view to_string(ArpPacket::Operation operation) {
  switch (operation) {
    case ArpPacket::Operation::request: return "request";
    case ArpPacket::Operation::reply: return "reply";
  }
  return "unknown operation";
}

}  // namespace handfast::wire
