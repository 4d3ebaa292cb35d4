// What ICMP and ICMPv6 write alike, for icmpv4.cpp and icmpv6.cpp. Checksums are left to those.
#pragma once

#include "wire/icmp.hpp"

namespace handfast::wire {

inline constexpr u32 icmp_header_size = 8;  // bytes before the data of echoes and errors

/// Type and code as on the wire.
struct IcmpKind {
  u8 type = 0;
  u8 code = 0;
};

IcmpEcho read_echo(Bytes message, bool reply);
u32 write_echo(const IcmpEcho& echo, u8 type, MutBytes out);
/// `rest` is the word behind the checksum.
u32 write_error(const IcmpError& error, IcmpKind kind, u32 rest, MutBytes out);

}  // namespace handfast::wire
