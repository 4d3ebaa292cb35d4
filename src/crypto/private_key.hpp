// A key of our own, to sign with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/public_key.hpp"

namespace handfast::crypto {

/// One thread at a time: sign() keeps its preparations for the next call.
class PrivateKey {
 public:
  /// From the first private key in `text`: PKCS #8, or the older forms of RSA and EC keys. An
  /// encrypted one is refused.
  static Result<PrivateKey, KeyError> from_pem(std::string_view text);
  static Result<PrivateKey, KeyError> from_der(Bytes der);
  /// A new key, drawn from libcrypto's own generator: for tools, not for engines. `rsa_bits` only
  /// matters for RSA.
  static Result<PrivateKey, KeyError> generate(KeyType type, u32 rsa_bits = 2048);
  /// Takes over one reference to `key`, which must hold a private key. Not null.
  explicit PrivateKey(KeyHandle key);

  KeyType type() const { return public_key_.type(); }
  /// Its other half.
  const PublicKey& public_key() const { return public_key_; }
  bool fits(SignatureScheme scheme, bool any_curve = false) const {
    return public_key_.fits(scheme, any_curve);
  }

  /// The most bytes that sign() writes.
  u32 signature_size_max() const;
  /// Signs `message` by a scheme that fits, but for its curve, into `signature` and returns the
  /// bytes written. Fails where the key is too small for the scheme. ECDSA and RSA-PSS draw on
  /// libcrypto's own generator.
  Result<u32, KeyError> sign(SignatureScheme scheme, Bytes message, MutBytes signature) const;

  /// PKCS #8, unencrypted: "BEGIN PRIVATE KEY".
  std::string to_pem() const;
  PrivateKey clone() const;

  /// libcrypto's object, for this room.
  evp_pkey_st* native() const { return public_key_.native(); }

 private:
  PublicKey public_key_;         // libcrypto keeps both halves in one object
  mutable KeyContext prepared_;  // signs by prepared_scheme_
  mutable SignatureScheme prepared_scheme_{};
};

}  // namespace handfast::crypto
