// Memory on its way into the cache before it is needed.
#pragma once

namespace handfast {
inline namespace base {

/// Starts to fetch the cache line of `at`, which need not be valid.
inline void prefetch(const void* at) {
  __builtin_prefetch(at);
  // Without it GCC finds that a function which only prefetches does nothing, and leaves it out.
  asm volatile("");
}

}  // namespace base
}  // namespace handfast
