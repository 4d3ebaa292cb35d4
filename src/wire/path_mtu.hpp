// What a path carries (RFC 1191, RFC 8201), and what of it the headers of TCP take.
#pragma once

#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::wire {

/// Every path carries this, whatever an ICMP error claims: Linux's min_pmtu, and IPv6's link
/// minimum (RFC 8200 §5).
constexpr u32 path_mtu_min(bool v4) { return v4 ? 552 : 1280; }

/// Of an IP header and a TCP header, both without options.
inline u32 tcp_ip_header_size(const IpAddress& peer) { return peer.is_v4() ? 40 : 60; }

}  // namespace handfast::wire
