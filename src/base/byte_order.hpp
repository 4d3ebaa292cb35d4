// Big-endian loads and stores: the network's byte order (RFC 1700).
#pragma once

#include <bit>
#include <cstring>

#include "base/types.hpp"

namespace handfast {
inline namespace base {

constexpr u16 swap_bytes(u16 v) { return __builtin_bswap16(v); }
constexpr u32 swap_bytes(u32 v) { return __builtin_bswap32(v); }
constexpr u64 swap_bytes(u64 v) { return __builtin_bswap64(v); }

/// Reads a T in network order. `at` must have sizeof(T) bytes.
template <class T>
inline T load_be(const u8* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::big ? value : swap_bytes(value);
}
inline u16 load_be16(const u8* at) { return load_be<u16>(at); }
inline u32 load_be32(const u8* at) { return load_be<u32>(at); }

template <class T>
inline void store_be(u8* at, T value) {
  if constexpr (std::endian::native != std::endian::big) value = swap_bytes(value);
  std::memcpy(at, &value, sizeof value);
}
inline void store_be16(u8* at, u16 value) { store_be(at, value); }
inline void store_be32(u8* at, u32 value) { store_be(at, value); }

}  // namespace base
}  // namespace handfast
