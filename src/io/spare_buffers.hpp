// Memory that connections borrow while bytes are on their way, so that an idle one holds none.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/types.hpp"

namespace handfast::io {

/// Bytes on the heap, at first with nothing in them.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(u32 size) : bytes_(std::make_unique_for_overwrite<u8[]>(size)), size_(size) {}
  Buffer(Buffer&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  MutBytes all() const { return {bytes_.get(), size_}; }
  explicit operator bool() const { return size_ > 0; }

 private:
  std::unique_ptr<u8[]> bytes_;
  u32 size_ = 0;
};

/// Buffers that were given back wait here for who needs one of their size. One thread at a time.
class SpareBuffers {
 public:
  Buffer take(u32 size);
  void give_back(Buffer buffer) {
    bytes_lent_ -= buffer.all().size();
    if (buffer && spare_.size() < spare_max) spare_.push_back(std::move(buffer));
  }
  /// What was taken and not given back.
  u64 bytes_lent() const { return bytes_lent_; }

 private:
  static constexpr std::size_t spare_max = 64;  // beyond, memory goes back to the heap

  std::vector<Buffer> spare_;
  u64 bytes_lent_ = 0;
};

}  // namespace handfast::io
