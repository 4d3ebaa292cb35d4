// RFC 9525: the name that a peer was asked for, and whether one in its certificate is that name.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"

namespace handfast::crypto {

/// An iPAddress of a certificate: 4 or 16 octets.
struct IpOctets {
  std::array<u8, 16> octets{};
  u8 size = 0;

  Bytes bytes() const { return Bytes(octets).first(size); }
  bool operator==(const IpOctets&) const = default;
};

/// "192.0.2.1", "2001:db8::1".
std::string to_string(const IpOctets& address);

/// Who the peer must be: a DNS name or an IP address.
struct PeerName {
  /// "Example.com.", "192.0.2.1", "2001:db8::1"; the reason where it is none of those.
  static Result<PeerName, std::string> parse(std::string_view text);

  bool is_address() const { return address.size != 0; }
  bool operator==(const PeerName&) const = default;

  std::string dns{};  // in lower case, without a last dot; empty for an address
  IpOctets address{};
};

std::string to_string(const PeerName& name);

/// Labels with dots between them; in front of them perhaps "*.", as in a dNSName.
bool is_dns_pattern(std::string_view name);

/// RFC 9525 §6.3: `pattern` is a dNSName of a certificate, `host` a PeerName's `dns`. "*" stands
/// for one whole label, the leftmost, with two more labels after it at least.
bool dns_matches(std::string_view pattern, std::string_view host);

}  // namespace handfast::crypto
