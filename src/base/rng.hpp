// The only source of chance: a seeded generator that is handed down. xoshiro256** by Blackman and
// Vigna, seeded by splitmix64. It is for simulation and for values that need no secrecy; secrets
// are derived with SipHash from a key that the driver drew from the operating system.
#pragma once

#include <array>

#include "base/types.hpp"

namespace handfast {
inline namespace base {

/// A probability as an exact fraction, so that a seed means the same on every machine.
struct Ratio {
  u32 numerator = 0;
  u32 denominator = 1;
};

class Rng {
 public:
  explicit constexpr Rng(u64 seed) {
    for (u64& word : state_) word = split_mix(seed);
  }

  constexpr u64 next() {
    const u64 result = rotate(state_[1] * 5, 7) * 9;
    const u64 t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); 0 where bound is 0.
  constexpr u64 below(u64 bound) { return to<u64>((static_cast<u128>(next()) * bound) >> 64); }

  constexpr bool chance(Ratio p) { return below(p.denominator) < p.numerator; }

  /// A generator of its own, so that two users do not disturb each other's draws.
  constexpr Rng fork() { return Rng(next()); }

 private:
  __extension__ using u128 = unsigned __int128;

  static constexpr u64 rotate(u64 x, int k) { return (x << k) | (x >> (64 - k)); }
  static constexpr u64 split_mix(u64& x) {
    u64 z = (x += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::array<u64, 4> state_{};
};

}  // namespace base
}  // namespace handfast
