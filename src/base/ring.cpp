#include "base/ring.hpp"

namespace handfast {
inline namespace base {

bool Ring::grow(u32 size, BufferPool& pool, u32 beyond) {
  // What filled once fills again: at once as large as the last time instead of by doubling.
  MutBytes block = pool.take(block_ == nullptr ? std::max<u32>(size, size_most_) : size);
  if (block.empty()) block = pool.take(size);
  if (block.empty()) return false;
  if (block_ == nullptr) {
    most_is_old_ = true;
  } else {
    // Unwrapped into the new block, so that it starts with one long piece.
    const u32 kept = std::min(capacity_ - size_, beyond) + size_;
    const u32 first = std::min(kept, capacity_ - head_);
    if (first > 0) std::memcpy(block.data(), block_ + head_, first);
    if (kept > first) std::memcpy(block.data() + first, block_, kept - first);
    pool.give({block_, capacity_});
  }
  block_ = block.data();
  capacity_ = to<u32>(block.size());
  head_ = 0;
  return true;
}

void Ring::write_at(u32 offset, Bytes bytes) {
  if (bytes.empty()) return;
  const u32 length = to<u32>(bytes.size());
  ASSERT(offset <= capacity_ && length <= capacity_ - offset);
  const u32 at = index(offset);
  const u32 first = std::min(length, capacity_ - at);
  std::memcpy(block_ + at, bytes.data(), first);
  if (length > first) std::memcpy(block_, bytes.data() + first, length - first);
}

std::array<Bytes, 2> Ring::view(u32 offset, u32 length) const {
  ASSERT(offset <= size_ && length <= size_ - offset);
  if (length == 0) return {};
  const u32 at = index(offset);
  const u32 first = std::min(length, capacity_ - at);
  return {Bytes{block_ + at, first}, Bytes{block_, length - first}};
}

}  // namespace base
}  // namespace handfast
