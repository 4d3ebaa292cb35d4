// HMAC (RFC 2104) and HKDF (RFC 5869).
#pragma once

#include <initializer_list>

#include "base/types.hpp"
#include "crypto/hash.hpp"
#include "crypto/secret.hpp"

namespace handfast::crypto {

/// It has no key of its own: what is made by it is made under the key that comes along.
class Hmac {
 public:
  explicit Hmac(HashAlgorithm algorithm) : algorithm_(algorithm) {}

  HashAlgorithm algorithm() const { return algorithm_; }
  u32 size() const { return digest_size(algorithm_); }
  /// The code of `pieces` put together, under `key`, into the first size() bytes of `out`.
  void make(Bytes key, std::initializer_list<Bytes> pieces, MutBytes out) const;

  /// HKDF-Extract (RFC 5869 §2.2). An empty salt is a string of zeros.
  Secret extract(Bytes salt, Bytes input_key) const;
  /// HKDF-Expand (RFC 5869 §2.3): fills `out`, of at most 255 * size() bytes.
  void expand(Bytes pseudorandom_key, Bytes info, MutBytes out) const;

 private:
  HashAlgorithm algorithm_;
};

}  // namespace handfast::crypto
