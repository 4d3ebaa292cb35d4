#include "crypto/hash.hpp"

#include <openssl/evp.h>

#include "base/assert.hpp"
#include "crypto/algorithms.hpp"

namespace handfast::crypto {

Hash::Hash(HashAlgorithm algorithm)
    : algorithm_(algorithm), context_(EVP_MD_CTX_new()), spare_(EVP_MD_CTX_new()) {
  ASSERT(context_ && spare_);
  ASSERT(EVP_DigestInit_ex2(context_.get(), algorithms().hash(algorithm), nullptr) == 1);
}

void Hash::update(Bytes bytes) {
  ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Digest Hash::peek() const {
  Digest digest;
  ASSERT(EVP_MD_CTX_copy_ex(spare_.get(), context_.get()) == 1);
  ASSERT(EVP_DigestFinal_ex(spare_.get(), digest.storage.data(), &digest.size) == 1);
  return digest;
}

Digest Hash::finish() {
  Digest digest;
  ASSERT(EVP_DigestFinal_ex(context_.get(), digest.storage.data(), &digest.size) == 1);
  ASSERT(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  return digest;
}

Hash Hash::fork() const {
  Hash other(algorithm_);
  ASSERT(EVP_MD_CTX_copy_ex(other.context_.get(), context_.get()) == 1);
  return other;
}

Digest hash(HashAlgorithm algorithm, Bytes message) {
  Digest digest;
  ASSERT(EVP_Digest(message.data(), message.size(), digest.storage.data(), &digest.size,
                    algorithms().hash(algorithm), nullptr) == 1);
  return digest;
}

}  // namespace handfast::crypto
