// Addresses: Ethernet (48 bits), IPv4 and IPv6 in one value, endpoints and flows.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.hpp"

namespace handfast::wire {

struct MacAddress {
  std::array<u8, 6> octets{};
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
  bool is_group() const { return (octets[0] & 1) != 0; }
};
inline constexpr MacAddress mac_broadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/// An IPv4 or IPv6 address. IPv4 is kept in its IPv4-mapped form ::ffff:a.b.c.d (RFC 4291
/// §2.5.5.2), which never stands for anything else here: on the wire it is refused.
struct IpAddress {
  std::array<u8, 16> octets{};

  static constexpr IpAddress v4(u8 a, u8 b, u8 c, u8 d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }
  /// From 4 bytes in network order.
  static IpAddress from_v4(const u8* at) {
    IpAddress address = v4(0, 0, 0, 0);
    std::memcpy(address.octets.data() + 12, at, 4);
    return address;
  }
  /// From 16 bytes in network order. Who reads them from a packet refuses mapped ones first.
  static IpAddress from_v6(const u8* at) {
    IpAddress address;
    std::memcpy(address.octets.data(), at, address.octets.size());
    return address;
  }
  /// "192.0.2.1", "2001:db8::1". No names, no zones, no ports, no leading zeros in a decimal
  /// octet (some read them as octal). "::ffff:192.0.2.1" is the IPv4 address 192.0.2.1.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const {
    constexpr u32 mapped = std::endian::native == std::endian::big ? 0x0000ffff : 0xffff0000;
    u64 zeros = 0;
    u32 prefix = 0;
    std::memcpy(&zeros, octets.data(), sizeof zeros);
    std::memcpy(&prefix, octets.data() + 8, sizeof prefix);
    return zeros == 0 && prefix == mapped;
  }
  bool is_v6() const { return !is_v4(); }
  /// 0.0.0.0 or ::.
  inline bool is_unspecified() const;
  /// 127.0.0.0/8 or ::1.
  bool is_loopback() const;
  /// 224.0.0.0/4 or ff00::/8.
  bool is_multicast() const { return is_v4() ? (octets[12] & 0xf0) == 0xe0 : octets[0] == 0xff; }
  /// 169.254.0.0/16 or fe80::/10.
  bool is_link_local() const;
  /// 255.255.255.255 only; a subnet's broadcast address is known to who knows the prefix.
  bool is_limited_broadcast() const { return *this == v4(255, 255, 255, 255); }
  /// The four octets of an IPv4 address in network order.
  const u8* v4_octets() const { return octets.data() + 12; }
  /// Whether the first `prefix_length` bits (of 32 for IPv4, of 128 for IPv6) are equal, and the
  /// family is the same.
  bool in_prefix(const IpAddress& network, u8 prefix_length) const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    if consteval {
      return a.octets == b.octets;
    } else {
      std::array<u64, 2> left;
      std::array<u64, 2> right;
      std::memcpy(left.data(), a.octets.data(), sizeof left);
      std::memcpy(right.data(), b.octets.data(), sizeof right);
      return left[0] == right[0] && left[1] == right[1];
    }
  }
};
inline constexpr IpAddress any_v4 = IpAddress::v4(0, 0, 0, 0);
inline constexpr IpAddress any_v6{};
inline constexpr IpAddress loopback_v6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
inline bool IpAddress::is_unspecified() const { return *this == any_v4 || *this == any_v6; }

/// A transport address.
struct Endpoint {
  IpAddress address = {};
  u16 port = 0;
  /// "192.0.2.1:80", "[2001:db8::1]:80".
  static std::optional<Endpoint> parse(std::string_view text);
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A connection as this host sees it.
struct Flow {
  Endpoint local = {};
  Endpoint remote = {};
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

std::string to_string(const MacAddress& address);
/// RFC 5952 for IPv6, dotted decimal for IPv4.
std::string to_string(const IpAddress& address);
std::string to_string(const Endpoint& endpoint);

}  // namespace handfast::wire
