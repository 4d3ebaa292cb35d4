// RFC 1071 §1 and §2.
#include "wire/checksum.hpp"

#include "wire/checksum_kernels.hpp"

namespace handfast::wire {

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

u16 checksum(Bytes bytes) { return Checksum{}.add(bytes).finish(); }

}  // namespace handfast::wire
