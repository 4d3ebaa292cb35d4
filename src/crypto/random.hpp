// Where secrets come from: handed in by whoever drives an engine, so that a test can know them.
#pragma once

#include "base/types.hpp"
#include "crypto/secret.hpp"

namespace handfast::crypto {

struct Random {
  virtual ~Random() = default;
  /// Fills `out` with bytes that nobody can foresee.
  virtual void fill(MutBytes out) = 0;
};

/// libcrypto's generator, which the operating system seeds.
class SystemRandom final : public Random {
 public:
  void fill(MutBytes out) override;
};

/// The same bytes for the same seed: as secret as the seed is. What went before cannot be told from
/// what it is now (SHA-256 as a ratchet).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(Bytes seed);
  void fill(MutBytes out) override;

 private:
  Secret state_;
};

}  // namespace handfast::crypto
