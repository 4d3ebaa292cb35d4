// The events of one connection in an order that the input chooses; what must hold is said in
// sim/exercise.hpp.
#include <cstdio>

#include "base/assert.hpp"
#include "sim/exercise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string problem = handfast::sim::Exercise(handfast::Bytes(data, size)).run();
  if (!problem.empty()) std::fprintf(stderr, "%s\n", problem.c_str());
  ASSERT(problem.empty());
  return 0;
}
