#include "crypto/hmac.hpp"

#include <algorithm>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/assert.hpp"
#include "crypto/algorithms.hpp"

namespace handfast::crypto {

Hmac::Hmac(HashAlgorithm algorithm)
    : algorithm_(algorithm), context_(EVP_MAC_CTX_new(algorithms().hmac)) {
  std::string name = libcrypto_name(algorithm);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), name.size()),
      OSSL_PARAM_construct_end()};
  ASSERT(context_ && EVP_MAC_CTX_set_params(context_.get(), parameters) == 1);
}

void Hmac::make(Bytes key, std::initializer_list<Bytes> pieces, MutBytes out) {
  ASSERT(out.size() >= size());
  // To libcrypto an empty key means the last one; padded with a zero it is the same key as empty.
  constexpr u8 zero = 0;
  if (key.empty()) key = {&zero, 1};
  ASSERT(EVP_MAC_init(context_.get(), key.data(), key.size(), nullptr) == 1);
  for (const Bytes piece : pieces)
    ASSERT(EVP_MAC_update(context_.get(), piece.data(), piece.size()) == 1);
  std::size_t written = 0;
  ASSERT(EVP_MAC_final(context_.get(), out.data(), &written, size()) == 1);
}

Secret Hmac::extract(Bytes salt, Bytes input_key) {
  Secret key(size());
  make(salt, {input_key}, key.room());
  return key;
}

void Hmac::expand(Bytes pseudorandom_key, Bytes info, MutBytes out) {
  ASSERT(out.size() <= std::size_t{255} * size());
  Secret block;
  for (u8 counter = 1; !out.empty(); ++counter) {
    const Secret before = std::move(block);
    block = Secret(size());
    make(pseudorandom_key, {before.bytes(), info, {&counter, 1}}, block.room());
    const std::size_t n = std::min<std::size_t>(out.size(), size());
    std::copy_n(block.bytes().begin(), n, out.begin());
    out = out.subspan(n);
  }
}

}  // namespace handfast::crypto
