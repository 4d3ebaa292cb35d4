// RFC 1071 §1 and §2.
#include "wire/checksum.hpp"

#include <array>

#include "wire/checksum_kernels.hpp"

namespace handfast::wire {
namespace {

u16 fold(u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return to<u16>(sum);
}

u64 sum_of(const IpAddress& address) {
  const auto words = std::bit_cast<std::array<u32, 4>>(address.octets);
  return u64{words[0]} + words[1] + words[2] + words[3];
}

}  // namespace

void Checksum::take(u64 partial, std::size_t size) {
  // RFC 1071 §2 (B): bytes that stand one place further on add up to the swapped sum.
  sum_ += odd_ ? swap_bytes(fold(partial)) : partial;
  odd_ ^= (size & 1) != 0;
}

Checksum& Checksum::add(Bytes bytes) {
  take(checksum_kernels::sum(bytes.data(), bytes.size()), bytes.size());
  return *this;
}

Checksum& Checksum::add_copy(Bytes from, u8* to) {
  take(checksum_kernels::copy(from.data(), from.size(), to), from.size());
  return *this;
}

Checksum& Checksum::add_pseudo_header(const IpAddress& source, const IpAddress& destination,
                                      u8 protocol, u32 upper_length) {
  // Both families in one way: the prefix of a mapped IPv4 address adds 0xffff, which is zero in
  // one's complement; the IPv4 length is shorter by zeros only.
  const u64 tail = u64{upper_length} + protocol;
  sum_ += sum_of(source) + sum_of(destination) +
          (std::endian::native == std::endian::big ? tail : swap_bytes(to<u32>(tail)));
  return *this;
}

u16 Checksum::sum() const {
  const u16 folded = fold(sum_);
  return std::endian::native == std::endian::big ? folded : swap_bytes(folded);
}

u16 checksum(Bytes bytes) { return Checksum{}.add(bytes).finish(); }

}  // namespace handfast::wire
