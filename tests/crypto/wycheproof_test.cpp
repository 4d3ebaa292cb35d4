#include "crypto/wycheproof.hpp"

#include <algorithm>
#include <ranges>

#include "crypto/aead.hpp"
#include "crypto/hmac.hpp"
#include "crypto/key_exchange.hpp"
#include "crypto/public_key.hpp"

namespace handfast::crypto {
namespace {

/// Plays out one set of bytes, first to last.
class Fixed final : public Random {
 public:
  explicit Fixed(std::vector<u8> bytes) : bytes_(std::move(bytes)) {}
  void fill(MutBytes out) override {
    ASSERT(out.size() <= bytes_.size());
    std::copy_n(bytes_.begin(), out.size(), out.begin());
    bytes_.erase(bytes_.begin(), bytes_.begin() + to<std::ptrdiff_t>(out.size()));
  }

 private:
  std::vector<u8> bytes_;
};

void judge_aead(const char* file, bool is_aes) {
  each_vector(file, [&](const Json& group, const Json& vector) {
    if (group.at("ivSize") != 96 || group.at("keySize") == 192)
      return vector.at("result") == "valid";  // not what TLS uses: nothing to judge
    const bool is_long = group.at("keySize") == 256;
    const auto algorithm = !is_aes   ? AeadAlgorithm::chacha20_poly1305
                           : is_long ? AeadAlgorithm::aes_256_gcm
                                     : AeadAlgorithm::aes_128_gcm;
    AeadNonce nonce{};
    std::ranges::copy(hex(vector, "iv"), nonce.begin());
    const auto key = hex(vector, "key");
    const auto aad = hex(vector, "aad");
    const auto message = hex(vector, "msg");
    std::vector<u8> sealed = hex(vector, "ct");
    std::ranges::copy(hex(vector, "tag"), std::back_inserter(sealed));
    std::vector<u8> ours(message.size() + aead_tag_size);
    // Sealed in two pieces, as a record's content and its type are.
    const std::size_t split = message.size() / 2;
    Aead(algorithm, Aead::Use::seal, key)
        .seal(nonce, aad, Bytes(message).first(split), Bytes(message).subspan(split), ours);
    const bool same = ours == sealed;
    if (!Aead(algorithm, Aead::Use::open, key).open(nonce, aad, sealed)) return false;
    sealed.resize(message.size());
    EXPECT_EQ(sealed, message);
    return same;
  });
}

TEST(Wycheproof, AES_GCM) { judge_aead("aes_gcm_test.json", true); }
TEST(Wycheproof, ChaCha20_Poly1305) { judge_aead("chacha20_poly1305_test.json", false); }

void judge_hmac(const char* file, HashAlgorithm algorithm) {
  Hmac hmac(algorithm);
  each_vector(file, [&](const Json&, const Json& vector) {
    std::vector<u8> code(hmac.size());
    const auto message = hex(vector, "msg");
    const std::size_t split = message.size() / 3;
    hmac.make(hex(vector, "key"), {Bytes(message).first(split), Bytes(message).subspan(split)},
              code);
    const auto tag = hex(vector, "tag");
    code.resize(tag.size());
    return equal_in_constant_time(code, tag);
  });
}

TEST(Wycheproof, HMAC_SHA256) { judge_hmac("hmac_sha256_test.json", HashAlgorithm::sha256); }
TEST(Wycheproof, HMAC_SHA384) { judge_hmac("hmac_sha384_test.json", HashAlgorithm::sha384); }

void judge_hkdf(const char* file, HashAlgorithm algorithm) {
  Hmac hmac(algorithm);
  each_vector(file, [&](const Json&, const Json& vector) {
    const std::size_t size = vector.at("size");
    if (size > std::size_t{255} * hmac.size()) return false;  // refused by an ASSERT
    const Secret key = hmac.extract(hex(vector, "salt"), hex(vector, "ikm"));
    std::vector<u8> out(size);
    hmac.expand(key.bytes(), hex(vector, "info"), out);
    return out == hex(vector, "okm");
  });
}

TEST(Wycheproof, HKDF_SHA256) { judge_hkdf("hkdf_sha256_test.json", HashAlgorithm::sha256); }
TEST(Wycheproof, HKDF_SHA384) { judge_hkdf("hkdf_sha384_test.json", HashAlgorithm::sha384); }

void judge_signatures(const char* file, SignatureScheme scheme) {
  each_vector(file, [&](const Json& group, const Json& vector) {
    const auto key = PublicKey::from_der(hex(group, "publicKeyDer"));
    EXPECT_TRUE(key.has_value() && key->fits(scheme));
    return key && key->verify(scheme, hex(vector, "msg"), hex(vector, "sig"));
  });
}

TEST(Wycheproof, ECDSA_P256_SHA256) {
  judge_signatures("ecdsa_secp256r1_sha256_test.json", SignatureScheme::ecdsa_secp256r1_sha256);
}
TEST(Wycheproof, ECDSA_P384_SHA384) {
  judge_signatures("ecdsa_secp384r1_sha384_test.json", SignatureScheme::ecdsa_secp384r1_sha384);
}
TEST(Wycheproof, ECDSA_P521_SHA512) {
  judge_signatures("ecdsa_secp521r1_sha512_test.json", SignatureScheme::ecdsa_secp521r1_sha512);
}
TEST(Wycheproof, Ed25519) { judge_signatures("ed25519_test.json", SignatureScheme::ed25519); }
TEST(Wycheproof, RSA_PSS_SHA256) {
  judge_signatures("rsa_pss_2048_sha256_mgf1_32_test.json", SignatureScheme::rsa_pss_rsae_sha256);
}

/// Our own share comes out of the private value too, so agreeing is all there is to judge.
bool agrees(Group group, const std::vector<u8>& private_value, const Json& vector) {
  Fixed random(private_value);
  const KeyExchange ours(group, random);
  const auto secret = ours.agree(hex(vector, "public"));
  if (!secret) return false;
  const auto shared = hex(vector, "shared");
  EXPECT_TRUE(std::ranges::equal(secret->bytes(), shared)) << vector.at("tcId");
  return true;
}

bool has_flag(const Json& vector, const char* flag) {
  return std::ranges::find(vector.at("flags"), Json(flag)) != vector.at("flags").end();
}

TEST(Wycheproof, X25519) {
  each_vector("x25519_test.json", [](const Json&, const Json& vector) {
    const bool accepted = agrees(Group::x25519, hex(vector, "private"), vector);
    EXPECT_EQ(accepted, !has_flag(vector, "ZeroSharedSecret")) << vector.at("tcId");
    return accepted;
  });
}

void judge_curve(const char* file, Group group, std::size_t scalar_size) {
  each_vector(file, [&](const Json&, const Json& vector) {
    auto scalar = hex(vector, "private");
    if (scalar.size() > scalar_size)
      scalar.erase(scalar.begin(), scalar.end() - to<std::ptrdiff_t>(scalar_size));
    scalar.insert(scalar.begin(), scalar_size - scalar.size(), 0);
    const bool accepted = agrees(group, scalar, vector);
    // RFC 8446 §4.2.8.2: compressed points are not sent.
    EXPECT_FALSE(accepted && has_flag(vector, "CompressedPoint")) << vector.at("tcId");
    return accepted;
  });
}

TEST(Wycheproof, ECDH_P256) {
  judge_curve("ecdh_secp256r1_ecpoint_test.json", Group::secp256r1, 32);
}
TEST(Wycheproof, ECDH_P384) {
  judge_curve("ecdh_secp384r1_ecpoint_test.json", Group::secp384r1, 48);
}

}  // namespace
}  // namespace handfast::crypto
