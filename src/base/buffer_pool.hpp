// Blocks for rings: power-of-two sizes, kept on free lists, under one cap. A connection that holds
// no data holds no block, and in a steady state nothing reaches the heap.
#pragma once

#include <array>

#include "base/types.hpp"

namespace handfast {
inline namespace base {

class BufferPool {
 public:
  static constexpr u32 block_min = 2048;      // bytes
  static constexpr u32 block_max = 64 << 20;  // bytes

  /// `bytes_max` caps what is lent out at one time, and what is lent and kept together, in bytes.
  explicit BufferPool(u64 bytes_max) : bytes_max_(bytes_max) {}
  /// Every block must be back.
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A block of at least `size` bytes (a power of two), or an empty one where the cap or
  /// `block_max` forbids it.
  MutBytes take(u32 size);
  /// Takes a block back, exactly as take() lent it. An empty one is nothing.
  void give(MutBytes block);

  u64 bytes_lent() const { return bytes_lent_; }
  /// What lies idle on the free lists.
  u64 bytes_kept() const { return bytes_kept_; }
  u64 bytes_max() const { return bytes_max_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr u32 class_count = 16;

  void shrink_to(u64 bytes_kept_max);

  std::array<FreeBlock*, class_count> free_{};
  u64 bytes_lent_ = 0;
  u64 bytes_kept_ = 0;
  u64 bytes_max_;
};

}  // namespace base
}  // namespace handfast
