// The Internet checksum (RFC 1071), as partial sums that can be added in any order.
#pragma once

#include <bit>
#include <cstddef>

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
  /// Adds one 16-bit number in host order, as if at an even position.
  constexpr Checksum& add16(u16 value) {
    sum_ += std::endian::native == std::endian::big ? value : swap_bytes(value);
    return *this;
  }
  /// Adds the pseudo-header of IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1), as if at an even
  /// position.
  Checksum& add_pseudo_header(const IpAddress& source, const IpAddress& destination, u8 protocol,
                              u32 upper_length);
  /// The folded sum, not complemented, in host order: 0xffff over a packet that holds its own
  /// correct checksum.
  u16 sum() const;
  /// What goes into the checksum field, in host order.
  u16 finish() const { return to<u16>(~sum()); }

 private:
  void take(u64 partial, std::size_t size);

  // Of 16-bit words in the machine's own order: RFC 1071 §2 (B), the sum is independent of it.
  u64 sum_ = 0;
  bool odd_ = false;
};

/// The checksum field's value for one contiguous range.
u16 checksum(Bytes bytes);

}  // namespace handfast::wire
