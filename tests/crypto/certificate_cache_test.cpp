#include "crypto/certificate_cache.hpp"

#include <gtest/gtest.h>

#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

std::vector<u8> make(const Identity& root, const std::string& name) {
  return make_server(root, name).certificate.der();
}

TEST(CertificateCache, reads_each_certificate_once) {
  const Identity root = make_root();
  const std::vector<u8> der = make(root, "a.example");
  CertificateCache cache;
  const auto first = cache.parse(der);
  const auto again = cache.parse(der);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->der(), der);
  EXPECT_EQ(first->native(), again->native()) << "the very same";
  EXPECT_EQ(cache.size(), 1U);
}

TEST(CertificateCache, keeps_no_more_than_it_may_and_those_in_use) {
  const Identity root = make_root();
  const std::vector<u8> used = make(root, "used.example");
  CertificateCache cache(2);
  const auto kept = cache.parse(used);
  ASSERT_TRUE(kept);
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    ASSERT_TRUE(cache.parse(make(root, name)));
    EXPECT_EQ(cache.parse(used)->native(), kept->native());
    EXPECT_EQ(cache.size(), 2U);
  }
  CertificateCache none(0);
  EXPECT_TRUE(none.parse(used));
  EXPECT_EQ(none.size(), 0U);
}

TEST(CertificateCache, keeps_nothing_that_cannot_be_read) {
  CertificateCache cache;
  EXPECT_FALSE(cache.parse(as_bytes("no certificate")));
  EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace handfast::crypto
