#include "crypto/rsa_transport.hpp"

#include <array>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "base/assert.hpp"

namespace handfast::crypto {

std::vector<u8> encrypt_pre_master(const PublicKey& key, const PreMaster& secret, Random& random) {
  ASSERT(key.type() == KeyType::rsa);
  const u32 modulus_size = to<u32>(EVP_PKEY_get_size(key.native()));
  // RFC 8017 §7.2.1: 0x00 || 0x02 || at least eight bytes that are not zero || 0x00 || the secret.
  ASSERT(modulus_size >= secret.size() + 11);
  std::vector<u8> block(modulus_size - secret.size());
  block[1] = 2;
  const MutBytes padding = MutBytes(block).subspan(2, block.size() - 3);
  random.fill(padding);
  for (u8& byte : padding)
    while (byte == 0) random.fill(MutBytes(&byte, 1));
  block.insert(block.end(), secret.bytes().begin(), secret.bytes().end());

  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.native(), nullptr));
  ASSERT(EVP_PKEY_encrypt_init(context.get()) == 1);
  ASSERT(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1);
  std::vector<u8> ciphertext(modulus_size);
  std::size_t size = ciphertext.size();
  ASSERT(EVP_PKEY_encrypt(context.get(), ciphertext.data(), &size, block.data(), block.size()) ==
         1);
  wipe(block);
  return ciphertext;
}

PreMaster decrypt_pre_master(const PrivateKey& key, Bytes ciphertext, u16 version, Random& random) {
  ASSERT(key.type() == KeyType::rsa);
  // RFC 5246 §7.4.7.1, step 1: the random bytes are drawn in any case, and first.
  PreMaster otherwise(pre_master_size);
  random.fill(otherwise.room());
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.native(), nullptr));
  ASSERT(EVP_PKEY_decrypt_init(context.get()) == 1);
  // libcrypto checks padding, length and version without a branch, and puts random bytes of its own
  // in the place of what is wrong.
  ASSERT(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_WITH_TLS_PADDING) == 1);
  unsigned int offered = version;
  const std::array parameters{
      OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &offered),
      OSSL_PARAM_construct_end()};
  ASSERT(EVP_PKEY_CTX_set_params(context.get(), parameters.data()) == 1);
  PreMaster secret(pre_master_size);
  std::size_t size = secret.size();
  if (EVP_PKEY_decrypt(context.get(), secret.room().data(), &size, ciphertext.data(),
                       ciphertext.size()) == 1)
    return secret;
  // Anybody can see this: too short, too long, or not below the modulus.
  ERR_clear_error();
  return otherwise;
}

}  // namespace handfast::crypto
