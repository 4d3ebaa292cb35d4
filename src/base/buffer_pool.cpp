#include "base/buffer_pool.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "base/assert.hpp"

namespace handfast {
inline namespace base {
namespace {

constexpr u32 class_of(u32 block_size) {
  return to<u32>(std::countr_zero(block_size) - std::countr_zero(BufferPool::block_min));
}

}  // namespace

BufferPool::~BufferPool() {
  ASSERT(bytes_lent_ == 0);
  shrink_to(0);
}

MutBytes BufferPool::take(u32 size) {
  if (size > block_max) return {};
  const u32 block_size = std::bit_ceil(std::max(size, block_min));
  if (bytes_lent_ + block_size > bytes_max_) return {};

  FreeBlock*& head = free_[class_of(block_size)];
  void* memory = head;
  if (head != nullptr) {
    head = head->next;
    bytes_kept_ -= block_size;
  } else {
    // Blocks of other sizes that lie idle must not add to the cap.
    shrink_to(bytes_max_ - bytes_lent_ - block_size);
    memory = ::operator new(block_size, std::nothrow);
    if (memory == nullptr) return {};
  }
  bytes_lent_ += block_size;
  return {static_cast<u8*>(memory), block_size};
}

void BufferPool::give(MutBytes block) {
  if (block.empty()) return;
  const u32 size = to<u32>(block.size());
  ASSERT((size & (size - 1)) == 0 && size >= block_min && size <= block_max);
  ASSERT(bytes_lent_ >= size);
  FreeBlock*& head = free_[class_of(size)];
  head = new (block.data()) FreeBlock{head};
  bytes_lent_ -= size;
  bytes_kept_ += size;
}

void BufferPool::shrink_to(u64 bytes_kept_max) {
  for (u32 i = class_count; i-- > 0 && bytes_kept_ > bytes_kept_max;) {
    while (free_[i] != nullptr && bytes_kept_ > bytes_kept_max) {
      FreeBlock* gone = free_[i];
      free_[i] = gone->next;
      bytes_kept_ -= u64{block_min} << i;
      ::operator delete(gone);
    }
  }
}

}  // namespace base
}  // namespace handfast
