#include "crypto/private_key.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/assert.hpp"
#include "crypto/algorithms.hpp"
#include "crypto/prepared_signing.hpp"

namespace handfast::crypto {
namespace {

/// libcrypto would ask for a passphrase at the terminal.
int refuse_passphrase(char* /*room*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

const char* curve_name(KeyType type) {
  if (type == KeyType::ec_p256) return "P-256";
  if (type == KeyType::ec_p384) return "P-384";
  return "P-521";
}

EVP_PKEY* draw(KeyType type, u32 rsa_bits) {
  switch (type) {
    case KeyType::rsa: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{rsa_bits});
    case KeyType::rsa_pss: {
      const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
      EVP_PKEY* key = nullptr;
      if (EVP_PKEY_keygen_init(context.get()) == 1 &&
          EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), to<int>(rsa_bits)) == 1)
        EVP_PKEY_generate(context.get(), &key);
      return key;
    }
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve_name(type));
    case KeyType::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::dsa:
    case KeyType::other: return nullptr;
  }
  return nullptr;
}

}  // namespace

Result<PrivateKey, KeyError> PrivateKey::from_pem(std::string_view text) {
  BIO* memory = BIO_new_mem_buf(text.data(), to<int>(text.size()));
  bool passphrase_asked = false;
  KeyHandle key(PEM_read_bio_PrivateKey(memory, nullptr, refuse_passphrase, &passphrase_asked));
  BIO_free(memory);
  if (key) {
    ERR_clear_error();
    return PrivateKey(std::move(key));
  }
  const std::string reason = take_libcrypto_error();
  if (passphrase_asked)
    return failure(KeyError{"the private key is encrypted; decrypt it: openssl pkey -in FILE"});
  return failure(KeyError{"not a private key that libcrypto reads: " + reason});
}

Result<PrivateKey, KeyError> PrivateKey::from_der(Bytes der) {
  const u8* at = der.data();
  KeyHandle key(d2i_AutoPrivateKey(nullptr, &at, to<long>(der.size())));
  const std::string reason = take_libcrypto_error();
  if (!key) return failure(KeyError{"not a private key that libcrypto reads: " + reason});
  if (at != der.data() + der.size()) return failure(KeyError{"bytes follow the private key"});
  return PrivateKey(std::move(key));
}

Result<PrivateKey, KeyError> PrivateKey::generate(KeyType type, u32 rsa_bits) {
  KeyHandle key(draw(type, rsa_bits));
  if (!key)
    return failure(KeyError{
        fmt::format("libcrypto makes no {} key: {}", to_string(type), take_libcrypto_error())});
  return PrivateKey(std::move(key));
}

PrivateKey::PrivateKey(KeyHandle key) : public_key_(std::move(key)) {}

u32 PrivateKey::signature_size_max() const { return to<u32>(EVP_PKEY_get_size(native())); }

Result<u32, KeyError> PrivateKey::sign(SignatureScheme scheme, Bytes message,
                                       MutBytes signature) const {
  ASSERT(fits(scheme, true));
  ASSERT(signature.size() >= signature_size_max());
  std::size_t size = signature.size();
  int outcome = 0;
  if (type() == KeyType::ed25519) {
    const HashContext context(EVP_MD_CTX_new());
    outcome = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, native());
    if (outcome == 1)
      outcome =
          EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size());
  } else {
    if (!prepared_ || prepared_scheme_ != scheme)
      prepared_ = prepare(native(), scheme, EVP_PKEY_sign_init);
    prepared_scheme_ = scheme;
    const Digest digest = hash(hash_of(scheme), message);
    if (prepared_)
      outcome = EVP_PKEY_sign(prepared_.get(), signature.data(), &size, digest.storage.data(),
                              digest.size);
  }
  if (outcome == 1) return to<u32>(size);
  return failure(KeyError{fmt::format("the {} key cannot sign by {}: {}", to_string(type()),
                                      to_string(scheme), take_libcrypto_error())});
}

std::string PrivateKey::to_pem() const {
  BIO* memory = BIO_new(BIO_s_mem());
  ASSERT(PEM_write_bio_PrivateKey(memory, native(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string pem(text, to<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

PrivateKey PrivateKey::clone() const {
  EVP_PKEY_up_ref(native());
  return PrivateKey(KeyHandle(native()));
}

}  // namespace handfast::crypto
