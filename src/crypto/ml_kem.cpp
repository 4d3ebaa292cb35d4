#include "crypto/ml_kem.hpp"

#include <array>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/assert.hpp"
#include "crypto/secret.hpp"

namespace handfast::crypto {
namespace {

constexpr const char* name = "ML-KEM-768";
// FIPS 203 §7.1: d and z; §7.2: m. libcrypto 3.0's headers do not name the parameters.
constexpr u32 seed_size = 64;
constexpr const char* seed_parameter = "seed";
constexpr u32 message_size = 32;
constexpr const char* message_parameter = "ikme";

std::array<OSSL_PARAM, 2> parameter(const char* key, MutBytes value) {
  return {OSSL_PARAM_construct_octet_string(key, value.data(), value.size()),
          OSSL_PARAM_construct_end()};
}

}  // namespace

bool has_ml_kem() {
  static const bool is_there = [] {
    EVP_KEM* kem = EVP_KEM_fetch(nullptr, name, nullptr);
    EVP_KEM_free(kem);
    ERR_clear_error();
    return kem != nullptr;
  }();
  return is_there;
}

KeyHandle make_ml_kem_key(Random& random, MutBytes key) {
  ASSERT(key.size() == ml_kem_key_size);
  SecretBytes<seed_size> seed(seed_size);
  random.fill(seed.room());
  auto parameters = parameter(seed_parameter, seed.room());
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, name, nullptr));
  EVP_PKEY* made = nullptr;
  ASSERT(context && EVP_PKEY_fromdata_init(context.get()) == 1);
  ASSERT(EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, parameters.data()) == 1);
  std::size_t size = key.size();
  ASSERT(EVP_PKEY_get_raw_public_key(made, key.data(), &size) == 1 && size == key.size());
  return KeyHandle(made);
}

bool encapsulate(Bytes key, Random& random, MutBytes ciphertext, MutBytes secret) {
  // FIPS 203 §7.2: libcrypto refuses one that is not reduced.
  const KeyHandle peer(
      EVP_PKEY_new_raw_public_key_ex(nullptr, name, nullptr, key.data(), key.size()));
  SecretBytes<message_size> message(message_size);
  random.fill(message.room());
  auto parameters = parameter(message_parameter, message.room());
  const KeyContext context(peer ? EVP_PKEY_CTX_new_from_pkey(nullptr, peer.get(), nullptr)
                                : nullptr);
  std::size_t ciphertext_size = ciphertext.size();
  std::size_t secret_size = secret.size();
  const bool good = context && EVP_PKEY_encapsulate_init(context.get(), parameters.data()) == 1 &&
                    EVP_PKEY_encapsulate(context.get(), ciphertext.data(), &ciphertext_size,
                                         secret.data(), &secret_size) == 1;
  if (!good) ERR_clear_error();
  ASSERT(!good || (ciphertext_size == ciphertext.size() && secret_size == secret.size()));
  return good;
}

void decapsulate(evp_pkey_st* key, Bytes ciphertext, MutBytes secret) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  std::size_t size = secret.size();
  ASSERT(context && EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1);
  ASSERT(EVP_PKEY_decapsulate(context.get(), secret.data(), &size, ciphertext.data(),
                              ciphertext.size()) == 1);
  ASSERT(size == secret.size());
}

}  // namespace handfast::crypto
