#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace handfast {
inline namespace base {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: ASSERT(%s) does not hold\n", file, line, expression);
  std::abort();
}

}  // namespace base
}  // namespace handfast
