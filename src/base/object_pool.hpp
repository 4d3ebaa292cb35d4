// Objects that were used and given back, for the next to take: in a steady state nothing reaches
// the heap.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/types.hpp"

namespace handfast {
inline namespace base {

/// `T::reset()` makes an object as good as new, and tells whether it is worth keeping.
template <class T, u32 kept_max = 1024>
class ObjectPool {
 public:
  std::unique_ptr<T> take() {
    if (free_.empty()) return std::make_unique<T>();
    std::unique_ptr<T> object = std::move(free_.back());
    free_.pop_back();
    return object;
  }
  /// Nothing may be given as well.
  void give(std::unique_ptr<T> object) {
    if (object == nullptr || free_.size() >= kept_max || !object->reset()) return;
    free_.push_back(std::move(object));
  }

 private:
  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace base
}  // namespace handfast
