// Authenticated encryption (RFC 5116): AES-GCM and ChaCha20-Poly1305 (RFC 8439), where the bytes
// lie. One context a key and direction, and no allocation per record.
#pragma once

#include <array>

#include "base/types.hpp"
#include "crypto/handles.hpp"

namespace handfast::crypto {

enum class AeadAlgorithm : u8 { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

constexpr u32 key_size(AeadAlgorithm algorithm) {
  return algorithm == AeadAlgorithm::aes_128_gcm ? 16 : 32;
}
inline constexpr u32 aead_key_size_max = 32;
inline constexpr u32 aead_tag_size = 16;
inline constexpr u32 aead_nonce_size = 12;
using AeadNonce = std::array<u8, aead_nonce_size>;

class Aead {
 public:
  enum class Use : u8 { seal, open };
  /// `key` must have key_size(algorithm) bytes.
  Aead(AeadAlgorithm algorithm, Use use, Bytes key);

  /// Encrypts `plain` and then `tail` into `out`, the tag behind: out.size() is that of the three
  /// together. `plain` may lie where `out` begins, and `tail` behind it.
  void seal(const AeadNonce& nonce, Bytes aad, Bytes plain, Bytes tail, MutBytes out);
  /// Decrypts all but the tag of `sealed` where it lies. False where the tag is not right: then
  /// what stands there means nothing.
  bool open(const AeadNonce& nonce, Bytes aad, MutBytes sealed);

 private:
  CipherContext context_;
  Use use_;
};

}  // namespace handfast::crypto
