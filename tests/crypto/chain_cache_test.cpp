// What a verifier remembers of a chain, and what it looks at again.
#include <gtest/gtest.h>

#include "crypto/chain_verifier.hpp"
#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

TEST(ChainCache, spares_the_signatures_the_second_time) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  const auto first = verify(verifier, {&server}, asking_for("example.org"));
  const auto second = verify(verifier, {&server}, asking_for("example.org"));
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(first->was_cached);
  EXPECT_TRUE(second->was_cached);
  EXPECT_EQ(first->path, second->path);
  EXPECT_EQ(verifier.cached_chains(), 1U);
}

TEST(ChainCache, looks_at_dates_and_names_again) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  ASSERT_TRUE(verify(verifier, {&server}, asking_for("example.org")));
  const auto wrong = verify(verifier, {&server}, asking_for("example.com"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().rule, CertificateRule::wrong_name);
  VerifyRequest late = asking_for("example.org");
  late.now += 2 * lab_year;
  const auto expired = verify(verifier, {&server}, late);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().rule, CertificateRule::expired);
}

TEST(ChainCache, keeps_a_chain_whose_name_was_wrong_but_not_one_without_a_root) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  ASSERT_FALSE(verify(verifier, {&server}, asking_for("example.com")));
  const auto right = verify(verifier, {&server}, asking_for("example.org"));
  ASSERT_TRUE(right);
  EXPECT_TRUE(right->was_cached);
  ChainVerifier strange = trusting({});
  ASSERT_FALSE(verify(strange, {&server}, asking_for("example.org")));
  EXPECT_EQ(strange.cached_chains(), 0U);
}

TEST(ChainCache, forgets_when_the_store_changes_and_remembers_when_it_is_back) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  TrustStore same;
  same.add(root.certificate);
  ChainVerifier verifier = trusting({&root});
  ASSERT_TRUE(verify(verifier, {&server}, asking_for("example.org")));
  verifier.replace_store(TrustStore());
  EXPECT_FALSE(verify(verifier, {&server}, asking_for("example.org")));
  EXPECT_EQ(same.id(), trusting({&root}).store().id());
  verifier.replace_store(std::move(same));
  const auto again = verify(verifier, {&server}, asking_for("example.org"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->was_cached);
}

TEST(ChainCache, does_not_take_a_clients_chain_for_a_servers) {
  const Identity root = make_root();
  const Identity both = make_server(root, "example.org", [](CertificateTemplate& wanted) {
    wanted.extensions = {{"extendedKeyUsage", "serverAuth,clientAuth"}};
  });
  ChainVerifier verifier = trusting({&root});
  VerifyRequest request = asking_for("example.org");
  ASSERT_TRUE(verify(verifier, {&both}, request));
  request.purpose = Purpose::client;
  const auto found = verify(verifier, {&both}, request);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->was_cached);
}

TEST(ChainCache, drops_what_was_used_longest_ago) {
  const Identity root = make_root();
  const Identity one = make_server(root, "one.example");
  const Identity two = make_server(root, "two.example");
  const Identity three = make_server(root, "three.example");
  ChainVerifier verifier = trusting({&root}, {.cached_chains_max = 2});
  const auto was_cached = [&](const Identity& server, const char* name) {
    const auto found = verify(verifier, {&server}, asking_for(name));
    EXPECT_TRUE(found);
    return found && found->was_cached;
  };
  EXPECT_FALSE(was_cached(one, "one.example"));
  EXPECT_FALSE(was_cached(two, "two.example"));
  EXPECT_TRUE(was_cached(one, "one.example"));
  EXPECT_FALSE(was_cached(three, "three.example"));
  EXPECT_EQ(verifier.cached_chains(), 2U);
  EXPECT_TRUE(was_cached(one, "one.example"));
  EXPECT_FALSE(was_cached(two, "two.example"));
}

TEST(ChainCache, of_no_room_remembers_nothing) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root}, {.cached_chains_max = 0});
  for (int i = 0; i < 2; ++i) {
    const auto found = verify(verifier, {&server}, asking_for("example.org"));
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->was_cached);
  }
}

}  // namespace
}  // namespace handfast::crypto
