// Integers and byte ranges under the names used in every room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace handfast {
inline namespace base {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

/// A view of bytes that somebody else owns.
using Bytes = std::span<const u8>;
/// The same, writable.
using MutBytes = std::span<u8>;

/// Narrowing that says so: the value is known to fit, or its low bits are wanted.
template <class To, class From>
constexpr To to(From value) {
  return static_cast<To>(value);
}

/// The characters of `text` as bytes, and back. No copy is made.
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace base
}  // namespace handfast
