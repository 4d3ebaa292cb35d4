#include "base/buffer_pool.hpp"

namespace handfast {
inline namespace base {

BufferPool::~BufferPool() {
  ASSERT(bytes_lent_ == 0);
  shrink_to(0);
}

MutBytes BufferPool::take_new(u32 block_size) {
  if (bytes_lent_ + block_size > bytes_max_) return {};
  // Blocks of other sizes that lie idle must not add to the cap.
  shrink_to(bytes_max_ - bytes_lent_ - block_size);
  void* memory = ::operator new(block_size, std::nothrow);
  if (memory == nullptr) return {};
  bytes_lent_ += block_size;
  return {static_cast<u8*>(memory), block_size};
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
