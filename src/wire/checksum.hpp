// The Internet checksum (RFC 1071), as partial sums that can be added in any order.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "base/byte_order.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::wire {

/// A one's-complement sum in progress. Pieces may have any length and any number of them may
/// follow each other: after an odd number of bytes the next ones are added shifted by one.
class Checksum {
 public:
  constexpr Checksum() = default;

  /// Adds `bytes` behind what was added before.
  Checksum& add(Bytes bytes);
  /// The same, and copies them to `to`, which must have room for all and not overlap `from`: one
  /// pass over the memory instead of two.
  Checksum& add_copy(Bytes from, u8* to);
  /// Adds a TCP header: whole 32-bit words, and so few that a call would cost more than they do.
  /// What was added before had an even length.
  Checksum& add_tcp_header(Bytes header) {
    constexpr std::size_t fixed = 20;
    add_words<5>(header.data());
    if (header.size() == fixed + 12) {  // timestamps
      add_words<3>(header.data() + fixed);
    } else {
      for (std::size_t at = fixed; at < header.size(); at += 4) add_words<1>(header.data() + at);
    }
    return *this;
  }
  /// Adds one 16-bit number in host order, as if at an even position.
  constexpr Checksum& add16(u16 value) {
    sum_ += std::endian::native == std::endian::big ? value : swap_bytes(value);
    return *this;
  }
  /// Adds the pseudo-header of IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1), as if at an even
  /// position.
  Checksum& add_pseudo_header(const IpAddress& source, const IpAddress& destination, u8 protocol,
                              u32 upper_length) {
    // Both families in one way: the prefix of a mapped IPv4 address adds 0xffff, which is zero in
    // one's complement; the IPv4 length is shorter by zeros only.
    const u64 tail = u64{upper_length} + protocol;
    add_words<4>(source.octets.data());
    add_words<4>(destination.octets.data());
    sum_ += std::endian::native == std::endian::big ? tail : swap_bytes(to<u32>(tail));
    return *this;
  }
  /// The same from the addresses as they stand in the packet, one behind the other.
  Checksum& add_pseudo_header(Bytes addresses, u8 protocol, u32 upper_length) {
    const u64 tail = u64{upper_length} + protocol;
    for (std::size_t at = 0; at < addresses.size(); at += 8) add_words<2>(addresses.data() + at);
    sum_ += std::endian::native == std::endian::big ? tail : swap_bytes(to<u32>(tail));
    return *this;
  }
  /// The folded sum, not complemented, in host order: 0xffff over a packet that holds its own
  /// correct checksum.
  u16 sum() const {
    const u16 folded = fold(sum_);
    return std::endian::native == std::endian::big ? folded : swap_bytes(folded);
  }
  /// What goes into the checksum field, in host order.
  u16 finish() const { return to<u16>(~sum()); }

 private:
  static constexpr u16 fold(u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return to<u16>(sum);
  }
  template <std::size_t count>
  void add_words(const u8* at) {
    std::array<u32, count> words;
    std::memcpy(words.data(), at, sizeof words);
    for (const u32 word : words) sum_ += word;
  }
  void take(u64 partial, std::size_t size);

  // Of 16-bit words in the machine's own order: RFC 1071 §2 (B), the sum is independent of it.
  u64 sum_ = 0;
  bool odd_ = false;
};

/// The checksum field's value for one contiguous range.
u16 checksum(Bytes bytes);

}  // namespace handfast::wire
