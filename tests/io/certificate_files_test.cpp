// Certificates, keys and trust stores as files.
#include "io/certificate_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/assert.hpp"
#include "crypto/certificate_builder.hpp"
#include "crypto/certificate_file.hpp"
#include "support/test_directory.hpp"

namespace handfast::io {
namespace {

using testing::HasSubstr;

struct Made {
  crypto::Certificate certificate;
  crypto::PrivateKey key;
};

Made make(const std::string& name) {
  auto key = crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
  ASSERT(key);
  crypto::CertificateTemplate wanted;
  wanted.role = crypto::CertificateRole::ca;
  wanted.common_name = name;
  wanted.not_before = wall_now();
  wanted.not_after = wall_now();
  auto certificate = crypto::issue(wanted, key->public_key(), nullptr, *key);
  ASSERT(certificate);
  return {std::move(*certificate), std::move(*key)};
}

class CertificateFiles : public testing::Test {
 protected:
  std::string put(const std::string& name, const std::string& text) {
    return files_.write(name, text);
  }
  static std::string pem(const Made& made) {
    return crypto::to_pem(std::span(&made.certificate, 1));
  }

  const test::TestDirectory files_;
  const std::string directory_ = files_.path();
  const Made one_ = make("One");
  const Made two_ = make("Two");
};

TEST_F(CertificateFiles, give_a_chain_and_the_key_that_is_the_first_ones) {
  const std::string chain = put("chain.pem", pem(one_) + pem(two_));
  const std::string key = put("one.key", one_.key.to_pem());
  const auto identity = load_identity(chain, key);
  ASSERT_TRUE(identity) << identity.error();
  EXPECT_THAT(identity->chain(),
              testing::ElementsAre(one_.certificate.der(), two_.certificate.der()));
  EXPECT_EQ(identity->key()->public_key(), one_.key.public_key());

  const auto later = load_identity(chain, put("two.key", two_.key.to_pem()));
  ASSERT_FALSE(later);
  EXPECT_THAT(later.error(), HasSubstr("but of a later one: put the server's own first"));
  const auto other = load_identity(chain, put("other.key", make("Other").key.to_pem()));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error(), HasSubstr("other.key is not the key of the first certificate in"));
}

TEST_F(CertificateFiles, are_named_when_they_are_not_what_they_should_be) {
  const auto missing = load_certificates(directory_ + "/none.pem");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), directory_ + "/none.pem: No such file or directory");
  const auto directory = load_certificates(directory_);
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error(), HasSubstr("it is a directory"));
  const auto key = load_private_key(put("no.key", pem(one_)));
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error(), HasSubstr("no.key: "));
  const auto certificates = load_certificates(put("no.pem", one_.key.to_pem()));
  ASSERT_FALSE(certificates);
  EXPECT_THAT(certificates.error(), HasSubstr("no.pem: the file holds a PRIVATE KEY"));
}

TEST_F(CertificateFiles, make_a_trust_store_one_by_one_or_by_directory) {
  const std::string both = put("both.pem", pem(one_) + pem(two_));
  const auto store = load_trust_store(both);
  ASSERT_TRUE(store);
  EXPECT_EQ(store->certificates().size(), 2U);
  put("again.crt", pem(one_));
  put("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  put("readme.txt", pem(make("Not for trust")));
  const auto all = load_trust_store(directory_);
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(all->certificates().size(), 2U);
  EXPECT_FALSE(load_trust_store(directory_ + "/broken.pem"));
}

TEST_F(CertificateFiles, of_a_directory_without_any_trust_nobody) {
  const auto store = load_trust_store(directory_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error(), HasSubstr("no certificate in its files"));
}

TEST(SystemTrustStore, holds_many_roots_on_debian) {
  if (!std::filesystem::exists("/etc/ssl/certs/ca-certificates.crt"))
    GTEST_SKIP() << "ca-certificates is not installed";
  const auto store = load_system_trust_store();
  ASSERT_TRUE(store) << store.error();
  EXPECT_GT(store->certificates().size(), 50U);
}

}  // namespace
}  // namespace handfast::io
