// ASSERT states what must hold if our own code is right. It stays on in release builds: a stack
// that has lost track of itself must stop, not send.
#pragma once

namespace handfast {
inline namespace base {

/// Prints the broken promise with its place and ends the process.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace base
}  // namespace handfast

#define ASSERT(expression)                                                 \
  do {                                                                     \
    if (!(expression)) [[unlikely]]                                        \
      ::handfast::base::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
