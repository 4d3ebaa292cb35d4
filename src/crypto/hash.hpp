// SHA-2 (FIPS 180-4). A running hash is a plain value: nothing is allocated, and a copy goes on
// where the original stands.
#pragma once

#include <array>

#include "base/types.hpp"

namespace handfast::crypto {

enum class HashAlgorithm : u8 { sha256, sha384, sha512 };

/// Bytes of a digest.
constexpr u32 digest_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? 32 : algorithm == HashAlgorithm::sha384 ? 48 : 64;
}
inline constexpr u32 digest_size_max = 64;
/// Bytes that the hash takes in at a time.
constexpr u32 block_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? 64 : 128;
}
inline constexpr u32 block_size_max = 128;

/// A digest, by value.
struct Digest {
  std::array<u8, digest_size_max> storage{};
  u32 size = 0;

  Bytes bytes() const { return {storage.data(), size}; }
  operator Bytes() const { return bytes(); }  // NOLINT(google-explicit-constructor): it is bytes
};

class Hash {
 public:
  explicit Hash(HashAlgorithm algorithm);

  HashAlgorithm algorithm() const { return algorithm_; }
  void update(Bytes bytes);
  /// The digest of all that came; more may follow.
  Digest peek() const;
  /// The digest of all that came, and starts over.
  Digest finish();
  /// Forgets what came, and that it ever did.
  void wipe();

 private:
  void start();

  HashAlgorithm algorithm_;
  alignas(8) std::array<u8, 216> state_;  // libcrypto's
};

/// The digest of `message`.
Digest hash(HashAlgorithm algorithm, Bytes message);

}  // namespace handfast::crypto
