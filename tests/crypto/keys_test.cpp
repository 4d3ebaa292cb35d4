#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/private_key.hpp"

namespace handfast::crypto {
namespace {

using enum SignatureScheme;

struct Kind {
  KeyType type;
  std::vector<SignatureScheme> schemes;
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {KeyType::rsa,
       {rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512, rsa_pss_rsae_sha256,
        rsa_pss_rsae_sha384, rsa_pss_rsae_sha512}},
      {KeyType::rsa_pss, {rsa_pss_pss_sha256, rsa_pss_pss_sha384, rsa_pss_pss_sha512}},
      {KeyType::ec_p256, {ecdsa_secp256r1_sha256}},
      {KeyType::ec_p384, {ecdsa_secp384r1_sha384}},
      {KeyType::ec_p521, {ecdsa_secp521r1_sha512}},
      {KeyType::ed25519, {SignatureScheme::ed25519}},
  };
  return all;
}

std::vector<u8> sign(const PrivateKey& key, SignatureScheme scheme, std::string_view message) {
  std::vector<u8> signature(key.signature_size_max());
  const auto size = key.sign(scheme, as_bytes(message), signature);
  EXPECT_TRUE(size.has_value());
  signature.resize(size.value_or(0));
  return signature;
}

TEST(Keys, verify_what_their_other_half_signed_by_each_scheme_and_nothing_else) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(to_string(kind.type));
    const auto key = PrivateKey::generate(kind.type);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(key->type(), kind.type);
    const auto pub = PublicKey::from_der(key->public_key().to_der());
    ASSERT_TRUE(pub.has_value());
    EXPECT_EQ(*pub, key->public_key());
    for (const SignatureScheme scheme : kind.schemes) {
      SCOPED_TRACE(to_string(scheme));
      // Twice, for the second is verified and signed by what the first prepared.
      for (const std::string_view message : {"one", "another"}) {
        std::vector<u8> signature = sign(*key, scheme, message);
        EXPECT_TRUE(pub->verify(scheme, as_bytes(message), signature));
        EXPECT_FALSE(pub->verify(scheme, as_bytes("forged"), signature));
        signature.back() ^= 1;
        EXPECT_FALSE(pub->verify(scheme, as_bytes(message), signature));
        EXPECT_FALSE(pub->verify(scheme, as_bytes(message), {}));
      }
    }
  }
}

TEST(Keys, fit_the_schemes_of_their_kind_only) {
  for (const Kind& kind : kinds()) {
    const auto key = PrivateKey::generate(kind.type);
    ASSERT_TRUE(key.has_value());
    for (const Kind& other : kinds())
      for (const SignatureScheme scheme : other.schemes)
        EXPECT_EQ(key->fits(scheme), other.type == kind.type)
            << to_string(kind.type) << " " << to_string(scheme);
    EXPECT_FALSE(key->fits(SignatureScheme{0x0201}));
  }
}

TEST(Keys, of_any_curve_fit_ECDSA_in_TLS_1_2) {
  const auto key = PrivateKey::generate(KeyType::ec_p256);
  ASSERT_TRUE(key.has_value());
  EXPECT_FALSE(key->fits(ecdsa_secp384r1_sha384));
  EXPECT_TRUE(key->fits(ecdsa_secp384r1_sha384, true));
  EXPECT_FALSE(key->fits(SignatureScheme::ed25519, true));
  const std::vector<u8> signature = sign(*key, ecdsa_secp384r1_sha384, "m");
  EXPECT_TRUE(key->public_key().verify(ecdsa_secp384r1_sha384, as_bytes("m"), signature));
}

TEST(Keys, survive_the_way_through_PEM) {
  for (const Kind& kind : kinds()) {
    const auto key = PrivateKey::generate(kind.type);
    ASSERT_TRUE(key.has_value());
    const auto again = PrivateKey::from_pem("# a comment\n" + key->to_pem());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->public_key(), key->public_key());
  }
}

TEST(Keys, that_are_encrypted_are_refused_without_asking_at_the_terminal) {
  const auto key = PrivateKey::from_pem(
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBAQfCNNNx0Gnfj4Jqpj\n"
      "KEHpAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQCZJ8uzPY1r7hCQzF\n"
      "mCBG7gRA9wJUIDZDxG9FQO6SSmQrUXWbLYmDbHcXlHbU5D4aRNzPxpzWBoHYh5fK\n"
      "Jh2bYm0VM0CsHF3u7PUdYqhAWbUv8A==\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n");
  ASSERT_FALSE(key.has_value());
  EXPECT_NE(key.error().why.find("encrypted"), std::string::npos) << key.error().why;
}

TEST(Keys, that_are_none_or_have_a_tail_are_refused) {
  EXPECT_FALSE(PrivateKey::from_pem("nothing").has_value());
  EXPECT_FALSE(PublicKey::from_pem("nothing").has_value());
  EXPECT_FALSE(PrivateKey::from_der({}).has_value());
  const auto key = PrivateKey::generate(KeyType::ec_p256);
  ASSERT_TRUE(key.has_value());
  std::vector<u8> der = key->public_key().to_der();
  der.push_back(0);
  EXPECT_FALSE(PublicKey::from_der(der).has_value());
}

TEST(Keys, too_small_for_a_scheme_say_so) {
  const auto key = PrivateKey::generate(KeyType::rsa, 1024);
  ASSERT_TRUE(key.has_value());
  std::vector<u8> room(key->signature_size_max());
  const auto size = key->sign(rsa_pss_rsae_sha512, as_bytes("m"), room);
  ASSERT_FALSE(size.has_value());
  EXPECT_NE(size.error().why.find("rsa_pss_rsae_sha512"), std::string::npos);
}

TEST(SignatureSchemes, have_names_even_where_they_are_refused) {
  EXPECT_EQ(to_string(ecdsa_secp256r1_sha256), "ecdsa_secp256r1_sha256");
  EXPECT_EQ(to_string(SignatureScheme{0x0201}), "rsa_pkcs1_sha1");
  EXPECT_EQ(to_string(SignatureScheme{0x0402}), "dsa_sha256");
  EXPECT_EQ(to_string(SignatureScheme{0x0101}), "rsa_pkcs1_md5");
  EXPECT_EQ(to_string(SignatureScheme{0xfafa}), "0xfafa");
}

}  // namespace
}  // namespace handfast::crypto
