#include "crypto/key_exchange.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

namespace handfast::crypto {
namespace {

constexpr std::array groups{Group::x25519, Group::secp256r1, Group::secp384r1, Group::ffdhe2048,
                            Group::ffdhe3072};

TEST(KeyExchange, gives_both_ends_the_same_secret_in_each_group) {
  SystemRandom random;
  for (const Group group : groups) {
    SCOPED_TRACE(to_string(group));
    const KeyExchange one(group, random);
    const KeyExchange other(group, random);
    EXPECT_EQ(one.share().size(), share_size(group));
    EXPECT_FALSE(std::ranges::equal(one.share(), other.share()));
    const auto secret = one.agree(other.share());
    const auto same = other.agree(one.share());
    ASSERT_TRUE(secret && same);
    EXPECT_TRUE(equal_in_constant_time(secret->bytes(), same->bytes()));
  }
}

TEST(KeyExchange, is_answered_in_one_step) {
  SystemRandom random;
  for (const Group group : groups) {
    const KeyExchange one(group, random);
    const auto answer = KeyExchange::answer(group, one.share(), random);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->share.size(), answer_size(group));
    const auto secret = one.agree(answer->share);
    ASSERT_TRUE(secret.has_value());
    EXPECT_TRUE(equal_in_constant_time(secret->bytes(), answer->secret.bytes()));
    EXPECT_FALSE(KeyExchange::answer(group, one.share().first(10), random).has_value());
  }
}

TEST(KeyExchange, has_ML_KEM_where_libcrypto_has_it) {
  constexpr unsigned long openssl_3_5 = 0x30500000;
  EXPECT_EQ(is_known(Group::x25519_mlkem768), OpenSSL_version_num() >= openssl_3_5);
}

TEST(KeyExchange, with_ML_KEM_agrees_on_both_of_its_secrets) {
  constexpr Group group = Group::x25519_mlkem768;
  if (!is_known(group)) GTEST_SKIP() << "this libcrypto has no ML-KEM-768: OpenSSL 3.5 has";
  SystemRandom random;
  const KeyExchange client(group, random);
  EXPECT_EQ(client.share().size(), 1216U);
  const auto answer = KeyExchange::answer(group, client.share(), random);
  ASSERT_TRUE(answer.has_value()) << answer.error().why;
  EXPECT_EQ(answer->share.size(), 1120U);
  const auto secret = client.agree(answer->share);
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(secret->size(), 64U);
  EXPECT_TRUE(equal_in_constant_time(secret->bytes(), answer->secret.bytes()));

  // Of a changed ciphertext ML-KEM makes another secret; X25519's part stays.
  std::vector<u8> changed = answer->share;
  changed[0] ^= 1;
  const auto other = client.agree(changed);
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(std::ranges::equal(other->bytes().first(32), secret->bytes().first(32)));
  EXPECT_TRUE(std::ranges::equal(other->bytes().last(32), secret->bytes().last(32)));

  std::vector<u8> unreduced(client.share().begin(), client.share().end());
  unreduced[0] = unreduced[1] = 0xff;
  EXPECT_FALSE(KeyExchange::answer(group, unreduced, random).has_value());
  std::vector<u8> powerless(client.share().begin(), client.share().end());
  std::fill(powerless.end() - 32, powerless.end(), 0);
  EXPECT_FALSE(KeyExchange::answer(group, powerless, random).has_value());
  EXPECT_FALSE(client.agree(client.share()).has_value()) << "an answer has another size";
}

TEST(KeyExchange, repeats_itself_from_a_seed) {
  for (const Group group : groups) {
    SeededRandom random(as_bytes("seed"));
    SeededRandom again(as_bytes("seed"));
    SeededRandom another(as_bytes("another seed"));
    const KeyExchange one(group, random);
    EXPECT_TRUE(std::ranges::equal(one.share(), KeyExchange(group, again).share()));
    EXPECT_FALSE(std::ranges::equal(one.share(), KeyExchange(group, another).share()));
  }
}

TEST(KeyExchange, refuses_shares_of_the_wrong_length) {
  SystemRandom random;
  for (const Group group : groups) {
    const KeyExchange ours(group, random);
    const KeyExchange theirs(group, random);
    std::vector<u8> share(theirs.share().begin(), theirs.share().end());
    EXPECT_FALSE(ours.agree({}).has_value());
    EXPECT_FALSE(ours.agree(Bytes(share).first(share.size() - 1)).has_value());
    share.push_back(0);
    EXPECT_FALSE(ours.agree(share).has_value());
  }
}

TEST(KeyExchange, refuses_shares_that_lead_to_what_everybody_knows) {
  SystemRandom random;
  EXPECT_FALSE(KeyExchange(Group::x25519, random).agree(std::array<u8, 32>{}).has_value());
  for (const Group group : {Group::ffdhe2048, Group::ffdhe3072}) {
    const KeyExchange ours(group, random);
    std::vector<u8> share(share_size(group));
    EXPECT_FALSE(ours.agree(share).has_value()) << "zero";
    share.back() = 1;
    EXPECT_FALSE(ours.agree(share).has_value()) << "one";
    std::ranges::fill(share, u8{0xff});  // both primes begin and end in 64 one bits
    EXPECT_FALSE(ours.agree(share).has_value()) << "beyond p";
    share.back() = 2;
    share.front() = 0;
    EXPECT_TRUE(ours.agree(share).has_value());
  }
}

TEST(KeyExchange, refuses_points_that_are_not_on_the_curve) {
  SystemRandom random;
  for (const Group group : {Group::secp256r1, Group::secp384r1}) {
    const KeyExchange ours(group, random);
    const KeyExchange theirs(group, random);
    std::vector<u8> share(theirs.share().begin(), theirs.share().end());
    share.back() ^= 1;
    EXPECT_FALSE(ours.agree(share).has_value());
    share.back() ^= 1;
    share.front() = 6;  // the hybrid form
    EXPECT_FALSE(ours.agree(share).has_value());
  }
}

TEST(Groups, have_names_even_where_they_are_refused) {
  EXPECT_EQ(to_string(Group::x25519), "x25519");
  EXPECT_EQ(to_string(Group{0x11ec}), "X25519MLKEM768");
  EXPECT_EQ(to_string(Group{0x2a2a}), "0x2a2a");
  EXPECT_FALSE(is_known(Group{0x11ec}));
}

}  // namespace
}  // namespace handfast::crypto
