// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that a peer without the key can neither
// predict nor collide. Sequence numbers (RFC 6528), ports (RFC 6056), cookies and tables use it.
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
/// SipHash-1-3: for the places of tables, of which nobody outside sees anything.
u64 siphash_for_table(const SipKey& key, Bytes message);
/// The same of the twelve bytes of two words, the low half of `second`: no more than that is left
/// of an IPv4 connection, and every segment asks.
u64 siphash_for_table(const SipKey& key, u64 first, u32 second);

}  // namespace base
}  // namespace handfast
