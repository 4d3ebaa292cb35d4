// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that a peer without the key can neither
// predict nor collide. Sequence numbers (RFC 6528), ports (RFC 6056) and cookies use it.
#pragma once

#include "base/rng.hpp"
#include "base/types.hpp"

namespace handfast {
inline namespace base {

/// 128 bits of secret.
struct SipKey {
  u64 k0 = 0;
  u64 k1 = 0;
  static constexpr SipKey draw(Rng& rng) { return {rng.next(), rng.next()}; }
};

/// The 64-bit SipHash-2-4 of `message` under `key`.
u64 siphash(const SipKey& key, Bytes message);

}  // namespace base
}  // namespace handfast
