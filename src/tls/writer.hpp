// RFC 8446 §3: the presentation language, written.
#pragma once

#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace handfast::tls {

class Writer {
 public:
  void number8(u32 value) { number(value, 1); }
  void number16(u32 value) { number(value, 2); }
  void number24(u32 value) { number(value, 3); }
  void number32(u32 value) { number(value, 4); }
  void bytes(Bytes piece) { bytes_.insert(bytes_.end(), piece.begin(), piece.end()); }
  void zeros(u32 n) { bytes_.resize(bytes_.size() + n); }
  template <class Code>
  void code(Code value) {
    number(static_cast<u32>(value), sizeof(Code));
  }

  /// What `fill` writes, behind its length in `length_size` bytes.
  template <class Fill>
  void vector(u32 length_size, Fill fill) {
    const std::size_t at = bytes_.size();
    zeros(length_size);
    fill();
    const std::size_t length = bytes_.size() - at - length_size;
    ASSERT(length >> (8 * length_size) == 0);
    for (u32 i = 0; i < length_size; ++i)
      bytes_[at + i] = to<u8>(length >> (8 * (length_size - 1 - i)));
  }
  void vector8(Bytes piece) {
    vector(1, [&] { bytes(piece); });
  }
  void vector16(Bytes piece) {
    vector(2, [&] { bytes(piece); });
  }
  void vector24(Bytes piece) {
    vector(3, [&] { bytes(piece); });
  }

  std::size_t size() const { return bytes_.size(); }
  std::vector<u8> finish() { return std::move(bytes_); }

 private:
  void number(u32 value, u32 size) {
    for (u32 i = 0; i < size; ++i) bytes_.push_back(to<u8>(value >> (8 * (size - 1 - i))));
  }

  std::vector<u8> bytes_;
};

}  // namespace handfast::tls
