#include "crypto/rsa_transport.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/byte_order.hpp"
#include "crypto/key_exchange.hpp"

namespace handfast::crypto {
namespace {

constexpr u16 version = 0x0303;

const PrivateKey& key() {
  static const PrivateKey one = *PrivateKey::generate(KeyType::rsa);
  return one;
}

PreMaster secret_of(u16 offered) {
  PreMaster secret(pre_master_size);
  std::ranges::fill(secret.room(), u8{7});
  store_be16(secret.room().data(), offered);
  return secret;
}

/// A block of the right length, encrypted as it is.
std::vector<u8> encrypt(std::vector<u8> block) {
  block.resize(256);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key().native(), nullptr));
  std::vector<u8> out(256);
  std::size_t size = out.size();
  EXPECT_EQ(EVP_PKEY_encrypt_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_encrypt(context.get(), out.data(), &size, block.data(), block.size()), 1);
  return out;
}

/// RFC 8017 §7.2.1, with the secret at the end.
std::vector<u8> block_of(const PreMaster& secret) {
  std::vector<u8> block(256, 0x55);
  block[0] = 0;
  block[1] = 2;
  block[256 - pre_master_size - 1] = 0;
  std::ranges::copy(secret.bytes(), block.end() - pre_master_size);
  return block;
}

TEST(RsaTransport, gives_the_owner_of_the_key_the_secret) {
  SystemRandom random;
  const PreMaster secret = secret_of(version);
  const std::vector<u8> sent = encrypt_pre_master(key().public_key(), secret, random);
  EXPECT_EQ(sent.size(), 256U);
  EXPECT_TRUE(
      std::ranges::equal(decrypt_pre_master(key(), sent, version, random).bytes(), secret.bytes()));
}

TEST(RsaTransport, encrypts_the_same_for_the_same_seed) {
  SeededRandom one(as_bytes("seed"));
  SeededRandom again(as_bytes("seed"));
  const PreMaster secret = secret_of(version);
  EXPECT_EQ(encrypt_pre_master(key().public_key(), secret, one),
            encrypt_pre_master(key().public_key(), secret, again));
}

TEST(RsaTransport, gives_random_bytes_for_each_kind_of_wrong_block) {
  SystemRandom random;
  const PreMaster secret = secret_of(version);
  const auto opened = [&](std::vector<u8> block) {
    const PreMaster got = decrypt_pre_master(key(), encrypt(std::move(block)), version, random);
    return std::vector<u8>(got.bytes().begin(), got.bytes().end());
  };
  const std::vector<u8> good = block_of(secret);
  EXPECT_TRUE(std::ranges::equal(opened(good), secret.bytes()));
  const std::size_t zero = 256 - pre_master_size - 1;
  const auto changed = [&](std::size_t at, u8 value) {
    std::vector<u8> block = good;
    block[at] = value;
    return block;
  };
  for (const auto& [block, what] : std::array{
           std::pair{changed(1, 1), "the wrong kind of padding"},
           std::pair{changed(0, 1), "no zero at its start"},
           std::pair{changed(5, 0), "a zero in the padding"},
           std::pair{changed(zero, 9), "no zero behind the padding"},
           std::pair{changed(zero - 1, 0), "a secret that is too long"},
           std::pair{changed(zero + 1, 2), "another version"},
           std::pair{changed(zero + 2, 2), "another version"},
       }) {
    const std::vector<u8> one = opened(block);
    EXPECT_FALSE(std::ranges::equal(one, secret.bytes())) << what;
    EXPECT_NE(one, opened(block)) << what;
    EXPECT_FALSE(std::ranges::equal(Bytes(one).subspan(2), Bytes(block).last(46))) << what;
  }
}

TEST(RsaTransport, gives_random_bytes_for_what_is_no_number_below_the_modulus) {
  SystemRandom random;
  for (const std::size_t size : {0U, 1U, 255U, 256U, 257U}) {
    const std::vector<u8> sent(size, 0xff);
    const PreMaster one = decrypt_pre_master(key(), sent, version, random);
    const PreMaster other = decrypt_pre_master(key(), sent, version, random);
    EXPECT_EQ(one.size(), pre_master_size);
    EXPECT_FALSE(std::ranges::equal(one.bytes(), other.bytes())) << size;
  }
}

TEST(FiniteField, is_found_by_its_numbers_alone) {
  constexpr std::array<u8, 3> two{0, 0, 2};
  for (const Group group : {Group::ffdhe2048, Group::ffdhe3072}) {
    std::vector<u8> prime(prime_of(group).begin(), prime_of(group).end());
    EXPECT_EQ(prime.size(), share_size(group));
    // RFC 7919 appendix A: 2^b - 2^(b-64) + …: 64 ones at both ends.
    EXPECT_TRUE(std::ranges::all_of(Bytes(prime).first(8), [](u8 it) { return it == 0xff; }));
    EXPECT_TRUE(std::ranges::all_of(Bytes(prime).last(8), [](u8 it) { return it == 0xff; }));
    EXPECT_EQ(find_finite_field(prime, two), group);
    EXPECT_EQ(find_finite_field(prime, {}), std::nullopt);
    prime.insert(prime.begin(), 0);
    EXPECT_EQ(find_finite_field(prime, two), group);
    prime.back() ^= 1;
    EXPECT_EQ(find_finite_field(prime, two), std::nullopt);
  }
  EXPECT_EQ(find_finite_field({}, two), std::nullopt);
}

}  // namespace
}  // namespace handfast::crypto
