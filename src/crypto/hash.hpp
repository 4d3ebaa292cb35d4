// SHA-2 (FIPS 180-4), over contexts that are made once and used again.
#pragma once

#include <array>

#include "base/types.hpp"
#include "crypto/handles.hpp"

namespace handfast::crypto {

enum class HashAlgorithm : u8 { sha256, sha384, sha512 };

/// Bytes of a digest.
constexpr u32 digest_size(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? 32 : algorithm == HashAlgorithm::sha384 ? 48 : 64;
}
inline constexpr u32 digest_size_max = 64;

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
  Hash(Hash&&) noexcept = default;
  Hash& operator=(Hash&&) noexcept = default;
  ~Hash() = default;

  HashAlgorithm algorithm() const { return algorithm_; }
  void update(Bytes bytes);
  /// The digest of all that came; more may follow. (A copy of the state is finished.)
  Digest peek() const;
  /// The digest of all that came, and starts over.
  Digest finish();
  /// Another hash that stands where this one stands.
  Hash fork() const;

 private:
  HashAlgorithm algorithm_;
  HashContext context_;
  HashContext spare_;  // for peek(), so that it allocates nothing
};

/// The digest of `message`.
Digest hash(HashAlgorithm algorithm, Bytes message);

}  // namespace handfast::crypto
