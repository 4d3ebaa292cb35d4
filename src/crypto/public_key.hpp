// A peer's key: what a certificate carries and a signature is judged by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/handles.hpp"
#include "crypto/signature_scheme.hpp"

namespace handfast::crypto {

/// `dsa` and `other`: kinds of keys that no scheme of ours takes (Ed448, odd curves).
enum class KeyType : u8 { rsa, rsa_pss, ec_p256, ec_p384, ec_p521, ed25519, dsa, other };
std::string_view to_string(KeyType type);  // "RSA", "ECDSA P-256"

/// Why a key could not be read, made or used, for people.
struct KeyError {
  std::string why;
};

/// One thread at a time: verify() keeps its preparations for the next call.
class PublicKey {
 public:
  /// From a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), which must be all of `der`.
  static Result<PublicKey, KeyError> from_der(Bytes der);
  /// From the first "BEGIN PUBLIC KEY" of `text`.
  static Result<PublicKey, KeyError> from_pem(std::string_view text);
  /// Takes over one reference to `key`, which may hold a private key too. Not null.
  explicit PublicKey(KeyHandle key);

  KeyType type() const { return type_; }
  /// Of the modulus or the curve's order.
  u32 bits() const;
  /// RFC 8446 §4.2.3: the scheme names this kind of key and, for ECDSA, this curve. TLS 1.2 binds
  /// no curve to a hash: there `any_curve`.
  bool fits(SignatureScheme scheme, bool any_curve = false) const;
  /// Of a scheme that fits: an RSA key is large enough for it.
  bool has_room_for(SignatureScheme scheme) const;
  /// Whether `signature` is this key's over `message`. The scheme must fit, but for its curve.
  bool verify(SignatureScheme scheme, Bytes message, Bytes signature) const;

  /// SubjectPublicKeyInfo.
  std::vector<u8> to_der() const;
  PublicKey clone() const;
  friend bool operator==(const PublicKey& a, const PublicKey& b);

  /// libcrypto's object, for this room.
  evp_pkey_st* native() const { return key_.get(); }

 private:
  KeyHandle key_;
  KeyType type_;
  mutable KeyContext prepared_;  // verifies by prepared_scheme_
  mutable SignatureScheme prepared_scheme_{};
};

}  // namespace handfast::crypto
