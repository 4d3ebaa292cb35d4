// Below libcrypto's providers: through them a hash of a few bytes takes some ten times as long, and
// a copy of its state an allocation.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.hpp"

#include <bit>
#include <new>

#include <openssl/sha.h>

#include "base/assert.hpp"
#include "crypto/wipe.hpp"

namespace handfast::crypto {
namespace {

template <class State, std::size_t size>
State* view(std::array<u8, size>& bytes) {
  static_assert(sizeof(State) <= size && alignof(State) <= 8);
  return std::launder(std::bit_cast<State*>(bytes.data()));
}

}  // namespace

Hash::Hash(HashAlgorithm algorithm) : algorithm_(algorithm) { start(); }

void Hash::start() {
  switch (algorithm_) {
    case HashAlgorithm::sha256: SHA256_Init(new (state_.data()) SHA256_CTX); return;
    case HashAlgorithm::sha384: SHA384_Init(new (state_.data()) SHA512_CTX); return;
    case HashAlgorithm::sha512: SHA512_Init(new (state_.data()) SHA512_CTX); return;
  }
}

void Hash::update(Bytes bytes) {
  if (algorithm_ == HashAlgorithm::sha256)
    SHA256_Update(view<SHA256_CTX>(state_), bytes.data(), bytes.size());
  else
    SHA512_Update(view<SHA512_CTX>(state_), bytes.data(), bytes.size());
}

Digest Hash::peek() const { return Hash(*this).finish(); }

Digest Hash::finish() {
  Digest digest;
  digest.size = digest_size(algorithm_);
  if (algorithm_ == HashAlgorithm::sha256)
    SHA256_Final(digest.storage.data(), view<SHA256_CTX>(state_));
  else  // of SHA-384 it gives as many bytes as there are
    SHA512_Final(digest.storage.data(), view<SHA512_CTX>(state_));
  start();
  return digest;
}

void Hash::wipe() {
  crypto::wipe(state_);
  start();
}

Digest hash(HashAlgorithm algorithm, Bytes message) {
  Hash hash(algorithm);
  hash.update(message);
  return hash.finish();
}

}  // namespace handfast::crypto
