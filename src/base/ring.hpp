// A byte queue over one pooled block. It grows by doubling up to what its user allows and gives
// its block back when it is empty, so an idle connection holds no memory.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "base/buffer_pool.hpp"
#include "base/types.hpp"

namespace handfast {
inline namespace base {

class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { ASSERT(block_ == nullptr); }  // release() goes before: the pool is not known here

  u32 size() const { return size_; }
  bool empty() const { return size_ == 0; }
  u32 capacity() const { return capacity_; }
  u32 room() const { return capacity_ - size_; }

  /// Makes room for `size` bytes in all; false where the pool has none to lend. What the ring
  /// holds, and what write_at() put beyond its end (up to `beyond` bytes), moves along.
  bool reserve(u32 size, BufferPool& pool, u32 beyond = 0) {
    return size <= capacity_ || grow(size, pool, beyond);
  }
  /// Gives the block back. The content is gone.
  void release(BufferPool& pool) {
    if (block_ == nullptr) return;
    pool.give({block_, capacity_});
    block_ = nullptr;
    capacity_ = 0;
    head_ = 0;
    size_ = 0;
  }
  /// Gives the block back if nothing is in it.
  void release_if_empty(BufferPool& pool) {
    if (size_ == 0) release(pool);
  }

  /// The contiguous free space after the last byte; shorter than room() where it wraps.
  MutBytes space() {
    const u32 at = index(size_);
    return {block_ + at, std::min(room(), capacity_ - at)};
  }
  /// Declares that `n` bytes after the last one are now part of the content.
  void commit(u32 n) {
    ASSERT(n <= room());
    size_ += n;
    if (size_ > size_most_ || most_is_old_) {
      size_most_ = size_ & most_mask;
      most_is_old_ = false;
    }
  }
  /// Copies `bytes` to `offset` from the head, which may lie beyond the content (commit() takes it
  /// in later). offset + bytes.size() must not exceed capacity().
  void write_at(u32 offset, Bytes bytes);
  /// The place to which write_at() would copy `length` bytes, as at most two pieces.
  std::array<MutBytes, 2> space_at(u32 offset, u32 length) {
    ASSERT(offset <= capacity_ && length <= capacity_ - offset);
    const u32 at = index(offset);
    const u32 first = std::min(length, capacity_ - at);
    return {MutBytes{block_ + at, first}, MutBytes{block_, length - first}};
  }
  /// The content [offset, offset + length) as at most two pieces.
  std::array<Bytes, 2> view(u32 offset, u32 length) const;
  /// The first contiguous piece of the content.
  Bytes front() const { return {block_ + head_, std::min(size_, capacity_ - head_)}; }
  /// Drops `n` bytes from the head.
  void consume(u32 n) {
    ASSERT(n <= size_);
    size_ -= n;
    head_ = index(n);
  }

 private:
  bool grow(u32 size, BufferPool& pool, u32 beyond);
  static constexpr u32 most_mask = (1u << 31) - 1;
  u32 index(u32 offset) const { return capacity_ == 0 ? 0 : (head_ + offset) & (capacity_ - 1); }

  u8* block_ = nullptr;
  u32 capacity_ = 0;
  u32 head_ = 0;
  u32 size_ = 0;
  u32 size_most_ : 31 = 0;        // since the block was taken
  bool most_is_old_ : 1 = false;  // or in the life of the one before: nothing came yet
};

}  // namespace base
}  // namespace handfast
