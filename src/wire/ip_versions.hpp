// Between ip.cpp and the two versions. Nobody else needs it.
#pragma once

#include <array>
#include <cstring>

#include "wire/ip.hpp"

namespace handfast::wire {

inline constexpr u32 ip_datagram_size_max = 65535;  // bytes; jumbograms (RFC 2675) are not spoken

Result<IpPacket, Drop> parse_quoted_ipv4(Bytes original);
Result<IpPacket, Drop> parse_quoted_ipv6(Bytes original);
Result<IpPacket, Drop> parse_reassembled_ipv6(const IpHeader& header, Bytes payload);
u32 emit_ipv4(const IpHeader& header, u32 payload_length, MutBytes out);
u32 emit_ipv6(const IpHeader& header, u32 payload_length, MutBytes out);

/// The sum over an IPv4 header without options, in the machine's byte order (RFC 1071 §2, B).
inline u16 sum_of_ipv4_header(const u8* at) {
  std::array<u32, 5> words;
  std::memcpy(words.data(), at, sizeof words);
  u64 sum = u64{words[0]} + words[1] + words[2] + words[3] + words[4];
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return to<u16>((sum & 0xffff) + (sum >> 16));
}
/// Whether it holds its own checksum.
inline bool is_ipv4_header_intact(const u8* at) { return sum_of_ipv4_header(at) == 0xffff; }

/// What both versions ask of a piece of `length` bytes of payload. Pieces without data would let
/// a datagram be assembled from any number of them.
inline bool is_valid(const Fragment& fragment, std::size_t length) {
  if (length == 0 || fragment.offset + length > ip_datagram_size_max) return false;
  return !fragment.more || length % 8 == 0;
}

}  // namespace handfast::wire
