// The loops under Checksum, one for any machine and one for AVX2, open to tests and benchmarks.
#pragma once

#include <cstddef>

#include "base/types.hpp"

namespace handfast::wire::checksum_kernels {

/// Each adds the 16-bit words of `from[0, size)` in the machine's byte order, an odd last byte as
/// if a zero followed it, into a number that is congruent modulo 0xffff, non-zero unless all bytes
/// are zero, and below 2^33. `copy` also writes the bytes to `to`.
u64 sum_portable(const u8* from, std::size_t size);
u64 copy_portable(const u8* from, std::size_t size, u8* to);

/// Whether this machine runs the two below.
bool has_avx2();
u64 sum_avx2(const u8* from, std::size_t size);
u64 copy_avx2(const u8* from, std::size_t size, u8* to);

/// The best of them for this machine and size.
u64 sum(const u8* from, std::size_t size);
u64 copy(const u8* from, std::size_t size, u8* to);

}  // namespace handfast::wire::checksum_kernels
