// Blocks for rings: power-of-two sizes, kept on free lists, under one cap. A connection that holds
// no data holds no block, and in a steady state nothing reaches the heap.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#include "base/assert.hpp"
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
  MutBytes take(u32 size) {
    if (size > block_max) return {};
    const u32 block_size = std::bit_ceil(std::max(size, block_min));
    FreeBlock*& head = free_[class_of(block_size)];
    if (head == nullptr || bytes_lent_ + block_size > bytes_max_) return take_new(block_size);
    FreeBlock* block = head;
    head = block->next;
    bytes_kept_ -= block_size;
    bytes_lent_ += block_size;
    return {reinterpret_cast<u8*>(block), block_size};
  }
  /// Takes a block back, exactly as take() lent it. An empty one is nothing.
  void give(MutBytes block) {
    if (block.empty()) return;
    const u32 size = to<u32>(block.size());
    ASSERT((size & (size - 1)) == 0 && size >= block_min && size <= block_max);
    ASSERT(bytes_lent_ >= size);
    FreeBlock*& head = free_[class_of(size)];
    head = new (block.data()) FreeBlock{head};
    bytes_lent_ -= size;
    bytes_kept_ += size;
  }

  u64 bytes_lent() const { return bytes_lent_; }
  /// What lies idle on the free lists.
  u64 bytes_kept() const { return bytes_kept_; }
  u64 bytes_max() const { return bytes_max_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  static constexpr u32 class_count = 16;
  static constexpr u32 class_of(u32 block_size) {
    return to<u32>(std::countr_zero(block_size) - std::countr_zero(block_min));
  }

  MutBytes take_new(u32 block_size);
  void shrink_to(u64 bytes_kept_max);

  std::array<FreeBlock*, class_count> free_{};
  u64 bytes_lent_ = 0;
  u64 bytes_kept_ = 0;
  u64 bytes_max_;
};

}  // namespace base
}  // namespace handfast
