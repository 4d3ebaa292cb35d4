// A queue that keeps its memory: in a steady state nothing reaches the heap.
#pragma once

#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace handfast::host {

template <class T>
class Fifo {
 public:
  bool empty() const { return size_ == 0; }
  u32 size() const { return size_; }
  T& front() { return (*this)[0]; }
  T& operator[](u32 i) {
    ASSERT(i < size_);
    return cells_[(head_ + i) & (to<u32>(cells_.size()) - 1)];
  }
  void push_back(T value) {
    if (size_ == cells_.size()) grow();
    cells_[(head_ + size_) & (to<u32>(cells_.size()) - 1)] = std::move(value);
    ++size_;
  }
  T pop_front() {
    T value = std::move(front());
    head_ = (head_ + 1) & (to<u32>(cells_.size()) - 1);
    --size_;
    return value;
  }

 private:
  void grow() {
    std::vector<T> wider(cells_.empty() ? 4 : cells_.size() * 2);
    for (u32 i = 0; i < size_; ++i) wider[i] = std::move((*this)[i]);
    cells_ = std::move(wider);
    head_ = 0;
  }

  std::vector<T> cells_;  // a power of two of them, or none
  u32 head_ = 0;
  u32 size_ = 0;
};

}  // namespace handfast::host
