// HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007): about how many different things were seen,
// in 256 bytes however many there are. The error is some 7 %.
#pragma once

#include <array>

#include "base/types.hpp"

namespace handfast::host {

class DistinctCounter {
 public:
  /// `hash` of what was seen must be keyed, else somebody can choose what is counted.
  void add(u64 hash);
  u64 estimate() const;

 private:
  static constexpr u32 register_bits = 8;
  std::array<u8, 1u << register_bits> registers_{};
};

}  // namespace handfast::host
