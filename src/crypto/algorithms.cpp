#include "crypto/algorithms.hpp"

#include <openssl/err.h>

#include "base/assert.hpp"

namespace handfast::crypto {

Algorithms::Algorithms()
    : sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      sha384(EVP_MD_fetch(nullptr, "SHA384", nullptr)),
      sha512(EVP_MD_fetch(nullptr, "SHA512", nullptr)),
      aes_128_gcm(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)),
      aes_256_gcm(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)),
      chacha20_poly1305(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)) {
  // Without these there is no TLS at all: the libcrypto of this machine is broken.
  ASSERT(sha256 != nullptr && sha384 != nullptr && sha512 != nullptr);
  ASSERT(aes_128_gcm != nullptr && aes_256_gcm != nullptr);
}

Algorithms::~Algorithms() {
  EVP_MD_free(sha256);
  EVP_MD_free(sha384);
  EVP_MD_free(sha512);
  EVP_CIPHER_free(aes_128_gcm);
  EVP_CIPHER_free(aes_256_gcm);
  EVP_CIPHER_free(chacha20_poly1305);
}

EVP_MD* Algorithms::hash(HashAlgorithm algorithm) const {
  switch (algorithm) {
    case HashAlgorithm::sha256: return sha256;
    case HashAlgorithm::sha384: return sha384;
    case HashAlgorithm::sha512: return sha512;
  }
  return nullptr;
}

const Algorithms& algorithms() {
  static const Algorithms all;
  return all;
}

const char* libcrypto_name(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256: return "SHA256";
    case HashAlgorithm::sha384: return "SHA384";
    case HashAlgorithm::sha512: return "SHA512";
  }
  return nullptr;
}

std::string take_libcrypto_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no reason given";
}

}  // namespace handfast::crypto
