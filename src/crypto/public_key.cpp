// RFC 8446 §4.2.3 and §4.4.3: which key a scheme takes, and how libcrypto is told.
#include "crypto/public_key.hpp"

#include <array>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/assert.hpp"
#include "crypto/algorithms.hpp"
#include "crypto/prepared_signing.hpp"

namespace handfast::crypto {
namespace {

KeyType type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return KeyType::rsa;
  if (EVP_PKEY_is_a(key, "RSA-PSS") == 1) return KeyType::rsa_pss;
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
  if (EVP_PKEY_is_a(key, "DSA") == 1) return KeyType::dsa;
  if (EVP_PKEY_is_a(key, "EC") != 1) return KeyType::other;
  std::array<char, 32> name{};
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1) return KeyType::other;
  const std::string_view curve(name.data());
  if (curve == "prime256v1") return KeyType::ec_p256;
  if (curve == "secp384r1") return KeyType::ec_p384;
  if (curve == "secp521r1") return KeyType::ec_p521;
  return KeyType::other;
}

bool is_ec(KeyType type) {
  return type == KeyType::ec_p256 || type == KeyType::ec_p384 || type == KeyType::ec_p521;
}

KeyType curve_of(SignatureScheme scheme) {
  if (scheme == SignatureScheme::ecdsa_secp256r1_sha256) return KeyType::ec_p256;
  if (scheme == SignatureScheme::ecdsa_secp384r1_sha384) return KeyType::ec_p384;
  return KeyType::ec_p521;
}

KeyError unreadable() {
  return {"not a public key that libcrypto reads: " + take_libcrypto_error()};
}

}  // namespace

std::string_view to_string(KeyType type) {
  constexpr std::array<std::string_view, 8> names{"RSA",         "RSA-PSS",     "ECDSA P-256",
                                                  "ECDSA P-384", "ECDSA P-521", "Ed25519",
                                                  "DSA",         "unsupported"};
  return names[to<u8>(type)];
}

Result<PublicKey, KeyError> PublicKey::from_der(Bytes der) {
  const u8* at = der.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, to<long>(der.size())));
  if (!key) return failure(unreadable());
  if (at != der.data() + der.size()) return failure(KeyError{"bytes follow the public key"});
  return PublicKey(std::move(key));
}

Result<PublicKey, KeyError> PublicKey::from_pem(std::string_view text) {
  BIO* memory = BIO_new_mem_buf(text.data(), to<int>(text.size()));
  KeyHandle key(PEM_read_bio_PUBKEY(memory, nullptr, nullptr, nullptr));
  BIO_free(memory);
  if (!key) return failure(unreadable());
  return PublicKey(std::move(key));
}

PublicKey::PublicKey(KeyHandle key) : key_(std::move(key)), type_(type_of(key_.get())) {
  ASSERT(key_);
}

u32 PublicKey::bits() const { return to<u32>(EVP_PKEY_get_bits(key_.get())); }

bool PublicKey::fits(SignatureScheme scheme, bool any_curve) const {
  if (!is_known(scheme)) return false;
  switch (algorithm_of(scheme)) {
    case SignatureAlgorithm::rsa_pkcs1:
    case SignatureAlgorithm::rsa_pss_rsae: return type_ == KeyType::rsa;
    case SignatureAlgorithm::rsa_pss_pss: return type_ == KeyType::rsa_pss;
    case SignatureAlgorithm::ecdsa: return is_ec(type_) && (any_curve || type_ == curve_of(scheme));
    case SignatureAlgorithm::ed25519: return type_ == KeyType::ed25519;
  }
  return false;
}

bool PublicKey::has_room_for(SignatureScheme scheme) const {
  const bool is_pss =
      type_ == KeyType::rsa_pss ||
      (type_ == KeyType::rsa && algorithm_of(scheme) != SignatureAlgorithm::rsa_pkcs1);
  // RFC 8017 §9.1.1: the padding holds hash and salt, as long as each other, and two bytes.
  return !is_pss || (bits() + 6) / 8 >= 2 * digest_size(hash_of(scheme)) + 2;
}

bool PublicKey::verify(SignatureScheme scheme, Bytes message, Bytes signature) const {
  ASSERT(fits(scheme, true));
  int outcome = 0;
  if (type_ == KeyType::ed25519) {
    const HashContext context(EVP_MD_CTX_new());
    outcome = EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    if (outcome == 1)
      outcome = EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                                 message.size());
  } else {
    if (!prepared_ || prepared_scheme_ != scheme)
      prepared_ = prepare(key_.get(), scheme, EVP_PKEY_verify_init);
    prepared_scheme_ = scheme;
    if (!prepared_) return false;
    const Digest digest = hash(hash_of(scheme), message);
    outcome = EVP_PKEY_verify(prepared_.get(), signature.data(), signature.size(),
                              digest.storage.data(), digest.size);
  }
  if (outcome != 1) ERR_clear_error();
  return outcome == 1;
}

std::vector<u8> PublicKey::to_der() const {
  std::vector<u8> der(to<std::size_t>(i2d_PUBKEY(key_.get(), nullptr)));
  u8* at = der.data();
  ASSERT(i2d_PUBKEY(key_.get(), &at) == to<int>(der.size()));
  return der;
}

PublicKey PublicKey::clone() const {
  EVP_PKEY_up_ref(key_.get());
  return PublicKey(KeyHandle(key_.get()));
}

bool operator==(const PublicKey& a, const PublicKey& b) {
  return EVP_PKEY_eq(a.key_.get(), b.key_.get()) == 1;
}

KeyContext prepare(EVP_PKEY* key, SignatureScheme scheme, int (*start)(EVP_PKEY_CTX*)) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const SignatureAlgorithm algorithm = algorithm_of(scheme);
  EVP_PKEY_CTX* raw = context.get();
  bool good = raw != nullptr && start(raw) == 1 &&
              EVP_PKEY_CTX_set_signature_md(raw, algorithms().hash(hash_of(scheme))) == 1;
  if (good && algorithm == SignatureAlgorithm::rsa_pkcs1)
    good = EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_PADDING) == 1;
  if (good && (algorithm == SignatureAlgorithm::rsa_pss_rsae ||
               algorithm == SignatureAlgorithm::rsa_pss_pss))
    good = EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(raw, RSA_PSS_SALTLEN_DIGEST) == 1;
  if (good) return context;
  ERR_clear_error();
  return nullptr;
}

}  // namespace handfast::crypto
