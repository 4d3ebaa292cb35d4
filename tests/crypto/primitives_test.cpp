#include <algorithm>
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "crypto/aead.hpp"
#include "crypto/hash.hpp"
#include "crypto/hmac.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"
#include "support/vectors.hpp"

namespace handfast::crypto {
namespace {

std::vector<u8> vector_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Hash, gives_the_digests_of_FIPS_180) {
  const std::vector<u8> abc256 =
      test::from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(vector_of(hash(HashAlgorithm::sha256, as_bytes("abc"))), abc256);
  EXPECT_EQ(vector_of(hash(HashAlgorithm::sha384, as_bytes("abc"))),
            test::from_hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                           "8086072ba1e7cc2358baeca134c825a7"));
}

TEST(Hash, can_be_looked_at_forked_and_started_over) {
  Hash running(HashAlgorithm::sha384);
  running.update(as_bytes("a"));
  EXPECT_EQ(vector_of(running.peek()), vector_of(hash(HashAlgorithm::sha384, as_bytes("a"))));
  Hash other = running;
  other.update(as_bytes("x"));
  running.update(as_bytes("bc"));
  EXPECT_EQ(vector_of(other.peek()), vector_of(hash(HashAlgorithm::sha384, as_bytes("ax"))));
  EXPECT_EQ(vector_of(running.finish()), vector_of(hash(HashAlgorithm::sha384, as_bytes("abc"))));
  EXPECT_EQ(vector_of(running.finish()), vector_of(hash(HashAlgorithm::sha384, {})));
}

TEST(Hmac, with_an_empty_key_does_not_take_the_last_one) {
  Hmac hmac(HashAlgorithm::sha256);
  std::array<u8, 32> empty_first{};
  std::array<u8, 32> code{};
  hmac.make({}, {as_bytes("m")}, empty_first);
  hmac.make(as_bytes("key"), {as_bytes("m")}, code);
  hmac.make({}, {as_bytes("m")}, code);
  EXPECT_EQ(code, empty_first);
}

TEST(Aead, seals_where_the_bytes_lie_and_opens_them_there) {
  for (const auto algorithm :
       {AeadAlgorithm::aes_128_gcm, AeadAlgorithm::aes_256_gcm, AeadAlgorithm::chacha20_poly1305}) {
    const std::vector<u8> key(key_size(algorithm), 7);
    Aead sealer(algorithm, Aead::Use::seal, key);
    Aead opener(algorithm, Aead::Use::open, key);
    for (u8 n = 0; n < 3; ++n) {  // the context serves more than one record
      const AeadNonce nonce{n};
      std::vector<u8> record(100 + aead_tag_size, n);
      sealer.seal(nonce, as_bytes("head"), MutBytes(record).first(99),
                  MutBytes(record).subspan(99, 1), record);
      std::vector<u8> broken = record;
      EXPECT_TRUE(opener.open(nonce, as_bytes("head"), record));
      EXPECT_EQ(std::ranges::count(MutBytes(record).first(100), n), 100);
      broken[50] ^= 1;
      EXPECT_FALSE(opener.open(nonce, as_bytes("head"), broken));
    }
  }
}

TEST(Aead, refuses_another_head_another_nonce_and_what_is_too_short) {
  const std::vector<u8> key(16, 7);
  Aead sealer(AeadAlgorithm::aes_128_gcm, Aead::Use::seal, key);
  Aead opener(AeadAlgorithm::aes_128_gcm, Aead::Use::open, key);
  std::vector<u8> record(10 + aead_tag_size);
  sealer.seal({}, as_bytes("head"), MutBytes(record).first(10), {}, record);
  std::vector<u8> copy = record;
  EXPECT_FALSE(opener.open({}, as_bytes("heap"), copy));
  copy = record;
  EXPECT_FALSE(opener.open({1}, as_bytes("head"), copy));
  copy = record;
  EXPECT_FALSE(opener.open({}, as_bytes("head"), MutBytes(copy).first(15)));
  EXPECT_TRUE(opener.open({}, as_bytes("head"), record));
}

TEST(Secrets, leave_nothing_behind_when_they_move) {
  Secret from(as_bytes("secret"));
  const Secret into = std::move(from);
  EXPECT_EQ(as_text(into.bytes()), "secret");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(*from.bytes().data(), 0);
}

TEST(Secrets, are_compared_by_length_and_content) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
}

TEST(Random, from_one_seed_is_the_same_however_it_is_drawn) {
  SeededRandom one(as_bytes("seed"));
  SeededRandom other(as_bytes("seed"));
  std::array<u8, 64> whole{};
  std::array<u8, 64> parts{};
  one.fill(whole);
  other.fill(MutBytes(parts).first(32));
  other.fill(MutBytes(parts).subspan(32));
  EXPECT_EQ(whole, parts);
  one.fill(whole);
  EXPECT_NE(whole, parts);
}

}  // namespace
}  // namespace handfast::crypto
