#include "crypto/wipe.hpp"

#include <openssl/crypto.h>

namespace handfast::crypto {

void wipe(MutBytes secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace handfast::crypto
