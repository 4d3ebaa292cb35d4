// Counts what reaches the heap by operator new. For one file of a program, and not where a
// sanitizer has an allocator of its own.
#pragma once

#include <cstdlib>
#include <new>

#include "base/types.hpp"

namespace handfast::test {

inline u64 allocations = 0;

inline void* count_and_allocate(std::size_t size) {
  ++allocations;
  return std::malloc(size);
}

}  // namespace handfast::test

// The library's other forms end in these.
void* operator new(std::size_t size) {
  void* memory = handfast::test::count_and_allocate(size);
  if (memory == nullptr) std::abort();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return handfast::test::count_and_allocate(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }
