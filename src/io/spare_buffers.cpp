#include "io/spare_buffers.hpp"

#include <algorithm>

namespace handfast::io {

Buffer SpareBuffers::take(u32 size) {
  bytes_lent_ += size;
  const auto fits =
      std::ranges::find(spare_, size, [](const Buffer& one) { return one.all().size(); });
  if (fits == spare_.end()) return Buffer(size);
  std::swap(*fits, spare_.back());
  Buffer taken = std::move(spare_.back());
  spare_.pop_back();
  return taken;
}

}  // namespace handfast::io
