#include "crypto/aead.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/assert.hpp"
#include "crypto/algorithms.hpp"

namespace handfast::crypto {
namespace {

const EVP_CIPHER* cipher(AeadAlgorithm algorithm) {
  switch (algorithm) {
    case AeadAlgorithm::aes_128_gcm: return algorithms().aes_128_gcm;
    case AeadAlgorithm::aes_256_gcm: return algorithms().aes_256_gcm;
    case AeadAlgorithm::chacha20_poly1305: return algorithms().chacha20_poly1305;
  }
  return nullptr;
}

/// What EVP_CIPHER_CTX_ctrl would make of its arguments, and take its time for.
std::array<OSSL_PARAM, 2> tag_at(u8* tag) {
  return {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, aead_tag_size),
          OSSL_PARAM_construct_end()};
}

}  // namespace

Aead::Aead(AeadAlgorithm algorithm, Use use, Bytes key)
    : context_(EVP_CIPHER_CTX_new()), use_(use) {
  ASSERT(key.size() == key_size(algorithm));
  ASSERT(context_ && EVP_CipherInit_ex2(context_.get(), cipher(algorithm), key.data(), nullptr,
                                        use == Use::seal ? 1 : 0, nullptr) == 1);
}

void Aead::seal(const AeadNonce& nonce, Bytes aad, Bytes plain, Bytes tail, MutBytes out) {
  ASSERT(use_ == Use::seal && out.size() == plain.size() + tail.size() + aead_tag_size);
  EVP_CIPHER_CTX* context = context_.get();
  int n = 0;
  ASSERT(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  ASSERT(EVP_EncryptUpdate(context, nullptr, &n, aad.data(), to<int>(aad.size())) == 1);
  u8* at = out.data();
  for (const Bytes piece : {plain, tail}) {
    if (piece.empty()) continue;
    ASSERT(EVP_EncryptUpdate(context, at, &n, piece.data(), to<int>(piece.size())) == 1);
    at += n;
  }
  ASSERT(EVP_EncryptFinal_ex(context, at, &n) == 1);
  auto tag = tag_at(at);
  ASSERT(EVP_CIPHER_CTX_get_params(context, tag.data()) == 1);
}

bool Aead::open(const AeadNonce& nonce, Bytes aad, MutBytes sealed) {
  ASSERT(use_ == Use::open);
  if (sealed.size() < aead_tag_size) return false;
  EVP_CIPHER_CTX* context = context_.get();
  const MutBytes text = sealed.first(sealed.size() - aead_tag_size);
  u8* tag = sealed.data() + text.size();
  int n = 0;
  const auto wanted = tag_at(tag);
  ASSERT(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), wanted.data()) == 1);
  ASSERT(EVP_DecryptUpdate(context, nullptr, &n, aad.data(), to<int>(aad.size())) == 1);
  if (!text.empty())
    ASSERT(EVP_DecryptUpdate(context, text.data(), &n, text.data(), to<int>(text.size())) == 1);
  if (EVP_DecryptFinal_ex(context, tag, &n) == 1) return true;
  ERR_clear_error();
  return false;
}

}  // namespace handfast::crypto
