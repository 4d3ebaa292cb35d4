// Bytes that nobody else may see: moved, never copied by accident, and wiped when they go.
#pragma once

#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "base/types.hpp"
#include "crypto/wipe.hpp"

namespace handfast::crypto {

template <u32 capacity>
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` bytes that are still to be written.
  explicit SecretBytes(u32 size) : size_(size) { ASSERT(size <= capacity); }
  explicit SecretBytes(Bytes from) : SecretBytes(to<u32>(from.size())) {
    if (!from.empty()) std::memcpy(storage_.data(), from.data(), from.size());
  }
  SecretBytes(SecretBytes&& other) noexcept : SecretBytes(other.bytes()) { other.clear(); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this == &other) return *this;
    storage_ = other.storage_;
    size_ = other.size_;
    other.clear();
    return *this;
  }
  ~SecretBytes() { clear(); }

  SecretBytes clone() const { return SecretBytes(bytes()); }
  u32 size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Bytes bytes() const { return {storage_.data(), size_}; }
  MutBytes room() { return {storage_.data(), size_}; }
  void clear() {
    wipe(storage_);
    size_ = 0;
  }

 private:
  std::array<u8, capacity> storage_{};
  u32 size_ = 0;
};

/// A secret as long as a digest, or a key.
using Secret = SecretBytes<64>;

}  // namespace handfast::crypto
