// What libcrypto looks up by name, looked up once: a fetch takes locks and walks its providers, and
// would cost more than most of what is done with the result.
#pragma once

#include <string>

#include <openssl/evp.h>

#include "crypto/hash.hpp"

namespace handfast::crypto {

struct Algorithms {
  Algorithms();
  ~Algorithms();
  Algorithms(const Algorithms&) = delete;
  Algorithms& operator=(const Algorithms&) = delete;

  EVP_MD* sha256;
  EVP_MD* sha384;
  EVP_MD* sha512;
  EVP_CIPHER* aes_128_gcm;
  EVP_CIPHER* aes_256_gcm;
  EVP_CIPHER* chacha20_poly1305;

  EVP_MD* hash(HashAlgorithm algorithm) const;
};
const Algorithms& algorithms();

/// libcrypto's name of the hash, "SHA256".
const char* libcrypto_name(HashAlgorithm algorithm);

/// What libcrypto says went wrong, in its words; forgets it.
std::string take_libcrypto_error();

}  // namespace handfast::crypto
