#include "host/distinct_counter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace handfast::host {

void DistinctCounter::add(u64 hash) {
  u8& at = registers_[hash & (registers_.size() - 1)];
  const u64 rest = hash >> register_bits;
  const int rank = std::countl_zero(rest) - static_cast<int>(register_bits) + 1;
  at = std::max(at, to<u8>(rank));
}

u64 DistinctCounter::estimate() const {
  const double count = 1u << register_bits;
  double sum = 0;
  u32 empty = 0;
  for (const u8 rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    empty += rank == 0 ? 1 : 0;
  }
  const double raw = 0.7213 / (1 + 1.079 / count) * count * count / sum;
  // For few things how many registers are still empty tells more.
  const bool few = raw <= 2.5 * count && empty > 0;
  return static_cast<u64>(few ? count * std::log(count / empty) : raw);
}

}  // namespace handfast::host
