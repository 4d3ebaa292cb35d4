// X25519 (RFC 7748), ECDH over NIST curves (SP 800-56A), finite fields of RFC 7919. The private
// value comes from the caller's randomness, which libcrypto's key generation would not take.
#include "crypto/key_exchange.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include "base/assert.hpp"
#include "crypto/ml_kem.hpp"

namespace handfast::crypto {
namespace {

struct FreeGroupParts {
  void operator()(EC_GROUP* it) const { EC_GROUP_free(it); }
  void operator()(EC_POINT* it) const { EC_POINT_clear_free(it); }
  void operator()(BIGNUM* it) const { BN_free(it); }
  void operator()(BN_CTX* it) const { BN_CTX_free(it); }
  void operator()(BN_MONT_CTX* it) const { BN_MONT_CTX_free(it); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeGroupParts>;

/// A curve or a field, made once.
struct Parts {
  Owned<EC_GROUP> curve;
  Owned<BIGNUM> prime;
  Owned<BN_MONT_CTX> montgomery;
  std::vector<u8> prime_bytes;
};

constexpr u32 x25519_size = 32;
/// RFC 7919 §5.2: an exponent of twice the group's strength in bits, and some to spare.
constexpr u32 exponent_size = 40;

/// The prime of a named group: libcrypto tells it only through a key's parameters.
Owned<BIGNUM> prime_called(const char* name) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
  std::string group(name);
  std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  BIGNUM* prime = nullptr;
  ASSERT(EVP_PKEY_fromdata_init(context) == 1);
  ASSERT(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEY_PARAMETERS, parameters.data()) == 1);
  ASSERT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_FFC_P, &prime) == 1);
  EVP_PKEY_free(key);
  EVP_PKEY_CTX_free(context);
  return Owned<BIGNUM>(prime);
}

Parts make_curve(int nid) {
  return {Owned<EC_GROUP>(EC_GROUP_new_by_curve_name(nid)), nullptr, nullptr, {}};
}
Parts make_field(const char* name) {
  Owned<BIGNUM> prime = prime_called(name);
  std::vector<u8> bytes(to<std::size_t>(BN_num_bytes(prime.get())));
  ASSERT(BN_bn2bin(prime.get(), bytes.data()) == to<int>(bytes.size()));
  Owned<BN_MONT_CTX> montgomery(BN_MONT_CTX_new());
  const Owned<BN_CTX> scratch(BN_CTX_new());
  ASSERT(BN_MONT_CTX_set(montgomery.get(), prime.get(), scratch.get()) == 1);
  return {nullptr, std::move(prime), std::move(montgomery), std::move(bytes)};
}

const Parts& parts_of(Group group) {
  static const Parts p256 = make_curve(NID_X9_62_prime256v1);
  static const Parts p384 = make_curve(NID_secp384r1);
  static const Parts ffdhe2048 = make_field("ffdhe2048");
  static const Parts ffdhe3072 = make_field("ffdhe3072");
  switch (group) {
    case Group::secp256r1: return p256;
    case Group::secp384r1: return p384;
    case Group::ffdhe2048: return ffdhe2048;
    default: return ffdhe3072;
  }
}

bool is_curve(Group group) { return group == Group::secp256r1 || group == Group::secp384r1; }
u32 coordinate_size(Group group) { return group == Group::secp256r1 ? 32 : 48; }

/// Uniform in [1, order): drawn again where it falls outside (FIPS 186-5 A.2.2).
BIGNUM* draw_scalar(Group group, Random& random) {
  const BIGNUM* order = EC_GROUP_get0_order(parts_of(group).curve.get());
  Secret bytes(coordinate_size(group));
  for (;;) {
    random.fill(bytes.room());
    BIGNUM* scalar = BN_bin2bn(bytes.bytes().data(), to<int>(bytes.size()), BN_secure_new());
    ASSERT(scalar != nullptr);
    if (!BN_is_zero(scalar) && BN_cmp(scalar, order) < 0) return scalar;
    BN_clear_free(scalar);
  }
}

BIGNUM* draw_exponent(Random& random) {
  Secret bytes(exponent_size);
  random.fill(bytes.room());
  bytes.room().front() |= 0x80;  // of full length
  BIGNUM* exponent = BN_bin2bn(bytes.bytes().data(), to<int>(bytes.size()), BN_secure_new());
  ASSERT(exponent != nullptr);
  return exponent;
}

std::vector<u8> encode(const EC_GROUP* curve, const EC_POINT* point, u32 size, BN_CTX* scratch) {
  std::vector<u8> share(size);
  ASSERT(EC_POINT_point2oct(curve, point, POINT_CONVERSION_UNCOMPRESSED, share.data(), share.size(),
                            scratch) == share.size());
  return share;
}

/// base ^ exponent, as wide as the prime.
void power(const Parts& parts, const BIGNUM* base, const BIGNUM* exponent, MutBytes out) {
  const Owned<BN_CTX> scratch(BN_CTX_secure_new());
  BIGNUM* result = BN_secure_new();
  ASSERT(BN_mod_exp_mont_consttime(result, base, exponent, parts.prime.get(), scratch.get(),
                                   parts.montgomery.get()) == 1);
  ASSERT(BN_bn2binpad(result, out.data(), to<int>(out.size())) == to<int>(out.size()));
  BN_clear_free(result);
}

KeyError refusal(Group group, std::string_view what) {
  ERR_clear_error();
  return {fmt::format("the peer's {} key share {}", to_string(group), what)};
}

KeyHandle make_x25519_key(Random& random, MutBytes share) {
  Secret bytes(x25519_size);
  random.fill(bytes.room());
  KeyHandle key(EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, bytes.bytes().data(),
                                                bytes.size()));
  std::size_t size = share.size();
  ASSERT(key && EVP_PKEY_get_raw_public_key(key.get(), share.data(), &size) == 1);
  return key;
}

Result<SharedSecret, KeyError> agree_x25519(EVP_PKEY* ours, Bytes peer_share) {
  const KeyHandle peer(EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, peer_share.data(),
                                                      peer_share.size()));
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, ours, nullptr));
  SharedSecret secret(x25519_size);
  std::size_t size = secret.size();
  ASSERT(peer && EVP_PKEY_derive_init(context.get()) == 1);
  // RFC 7748 §6.1: libcrypto refuses the points that lead to a secret of zeros.
  if (EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) != 1 ||
      EVP_PKEY_derive(context.get(), secret.room().data(), &size) != 1)
    return failure(refusal(Group::x25519, "has a small order"));
  return secret;
}

KeyError wrong_size(Group group, std::size_t is, u32 wanted) {
  return refusal(group, fmt::format("has {} bytes instead of {}", is, wanted));
}

/// draft-ietf-tls-ecdhe-mlkem §4.3: ML-KEM's part comes first, as it does in the shares.
SharedSecret joined(Bytes first, Bytes second) {
  SharedSecret secret(to<u32>(first.size() + second.size()));
  std::ranges::copy(first, secret.room().begin());
  std::ranges::copy(second, secret.room().subspan(first.size()).begin());
  return secret;
}

Result<SharedSecret, KeyError> agree_curve(Group group, const BIGNUM* scalar, Bytes peer_share) {
  const EC_GROUP* curve = parts_of(group).curve.get();
  const Owned<BN_CTX> scratch(BN_CTX_secure_new());
  const Owned<EC_POINT> peer(EC_POINT_new(curve));
  const Owned<EC_POINT> product(EC_POINT_new(curve));
  // RFC 8446 §4.2.8.2: only the uncompressed form. Reading it checks that it lies on the curve.
  if (peer_share.front() != POINT_CONVERSION_UNCOMPRESSED ||
      EC_POINT_oct2point(curve, peer.get(), peer_share.data(), peer_share.size(), scratch.get()) !=
          1)
    return failure(refusal(group, "is no point of the curve"));
  ASSERT(EC_POINT_mul(curve, product.get(), nullptr, peer.get(), scalar, scratch.get()) == 1);
  BIGNUM* x = BN_secure_new();
  SharedSecret secret(coordinate_size(group));
  ASSERT(EC_POINT_get_affine_coordinates(curve, product.get(), x, nullptr, scratch.get()) == 1);
  ASSERT(BN_bn2binpad(x, secret.room().data(), to<int>(secret.size())) == to<int>(secret.size()));
  BN_clear_free(x);
  return secret;
}

Result<SharedSecret, KeyError> agree_field(Group group, const BIGNUM* exponent, Bytes peer_share) {
  const Parts& parts = parts_of(group);
  const Owned<BIGNUM> peer(BN_bin2bn(peer_share.data(), to<int>(peer_share.size()), nullptr));
  const Owned<BIGNUM> top(BN_dup(parts.prime.get()));
  ASSERT(peer && top && BN_sub_word(top.get(), 1) == 1);
  // RFC 7919 §5.1: "peers MUST verify that 1 < dh_Y < dh_p - 1".
  if (BN_is_zero(peer.get()) || BN_is_one(peer.get()) || BN_cmp(peer.get(), top.get()) >= 0)
    return failure(refusal(group, "is not between 1 and p - 1"));
  SharedSecret secret(share_size(group));
  power(parts, peer.get(), exponent, secret.room());
  return secret;
}

}  // namespace

std::string to_string(Group group) {
  switch (group) {
    case Group::secp256r1: return "secp256r1";
    case Group::secp384r1: return "secp384r1";
    case Group::x25519: return "x25519";
    case Group::ffdhe2048: return "ffdhe2048";
    case Group::ffdhe3072: return "ffdhe3072";
    case Group::x25519_mlkem768: return "X25519MLKEM768";
  }
  switch (to<u16>(group)) {
    case 0x0019: return "secp521r1";
    case 0x001e: return "x448";
    case 0x0102: return "ffdhe4096";
    case 0x0103: return "ffdhe6144";
    case 0x0104: return "ffdhe8192";
    default: return fmt::format("0x{:04x}", to<u16>(group));
  }
}

bool is_known(Group group) {
  constexpr std::array all{Group::secp256r1, Group::secp384r1, Group::x25519, Group::ffdhe2048,
                           Group::ffdhe3072};
  if (group == Group::x25519_mlkem768) return has_ml_kem();
  return std::ranges::find(all, group) != all.end();
}

bool is_finite_field(Group group) { return group == Group::ffdhe2048 || group == Group::ffdhe3072; }

Bytes prime_of(Group group) {
  ASSERT(is_finite_field(group));
  return parts_of(group).prime_bytes;
}

Bytes without_leading_zeros(Bytes number) {
  const auto first = std::ranges::find_if(number, [](u8 byte) { return byte != 0; });
  return {first, number.end()};
}

std::optional<Group> find_finite_field(Bytes prime, Bytes generator) {
  const Bytes base = without_leading_zeros(generator);
  if (base.size() != 1 || base[0] != 2) return std::nullopt;
  for (const Group group : {Group::ffdhe2048, Group::ffdhe3072})
    if (std::ranges::equal(without_leading_zeros(prime), prime_of(group))) return group;
  return std::nullopt;
}

u32 share_size(Group group) {
  switch (group) {
    case Group::secp256r1:
    case Group::secp384r1: return 1 + 2 * coordinate_size(group);
    case Group::x25519: return x25519_size;
    case Group::ffdhe2048: return 256;
    case Group::ffdhe3072: return 384;
    case Group::x25519_mlkem768: return ml_kem_key_size + x25519_size;
  }
  return 0;
}

u32 answer_size(Group group) {
  return group == Group::x25519_mlkem768 ? ml_kem_ciphertext_size + x25519_size : share_size(group);
}

void KeyExchange::FreeNumber::operator()(bignum_st* it) const { BN_clear_free(it); }

KeyExchange::KeyExchange(Group group, Random& random) : group_(group), share_(share_size(group)) {
  ASSERT(is_known(group));
  if (group == Group::x25519) {
    x25519_ = make_x25519_key(random, share_);
  } else if (group == Group::x25519_mlkem768) {
    ml_kem_ = make_ml_kem_key(random, MutBytes(share_).first(ml_kem_key_size));
    x25519_ = make_x25519_key(random, MutBytes(share_).subspan(ml_kem_key_size));
  } else if (is_curve(group)) {
    const EC_GROUP* curve = parts_of(group).curve.get();
    private_.reset(draw_scalar(group, random));
    const Owned<BN_CTX> scratch(BN_CTX_secure_new());
    const Owned<EC_POINT> point(EC_POINT_new(curve));
    ASSERT(EC_POINT_mul(curve, point.get(), private_.get(), nullptr, nullptr, scratch.get()) == 1);
    share_ = encode(curve, point.get(), share_size(group), scratch.get());
  } else {
    private_.reset(draw_exponent(random));
    const Owned<BIGNUM> two(BN_new());
    ASSERT(BN_set_word(two.get(), 2) == 1);
    power(parts_of(group), two.get(), private_.get(), share_);
  }
}

Result<SharedSecret, KeyError> KeyExchange::agree(Bytes peer_share) const {
  if (peer_share.size() != answer_size(group_))
    return failure(wrong_size(group_, peer_share.size(), answer_size(group_)));
  if (group_ == Group::x25519) return agree_x25519(x25519_.get(), peer_share);
  if (is_curve(group_)) return agree_curve(group_, private_.get(), peer_share);
  if (group_ == Group::x25519_mlkem768) {
    const auto classic = agree_x25519(x25519_.get(), peer_share.subspan(ml_kem_ciphertext_size));
    if (!classic) return failure(classic.error());
    SecretBytes<ml_kem_secret_size> secret(ml_kem_secret_size);
    decapsulate(ml_kem_.get(), peer_share.first(ml_kem_ciphertext_size), secret.room());
    return joined(secret.bytes(), classic->bytes());
  }
  return agree_field(group_, private_.get(), peer_share);
}

Result<KeyExchange::Answer, KeyError> KeyExchange::answer(Group group, Bytes peer_share,
                                                          Random& random) {
  if (group != Group::x25519_mlkem768) {
    KeyExchange ours(group, random);
    auto secret = ours.agree(peer_share);
    if (!secret) return failure(secret.error());
    return Answer{std::move(ours.share_), std::move(*secret)};
  }
  if (peer_share.size() != share_size(group))
    return failure(wrong_size(group, peer_share.size(), share_size(group)));
  Answer answer{std::vector<u8>(answer_size(group)), {}};
  const MutBytes share(answer.share);
  SecretBytes<ml_kem_secret_size> secret(ml_kem_secret_size);
  if (!encapsulate(peer_share.first(ml_kem_key_size), random, share.first(ml_kem_ciphertext_size),
                   secret.room()))
    return failure(refusal(group, "is no key of ML-KEM-768"));
  const KeyHandle classic = make_x25519_key(random, share.subspan(ml_kem_ciphertext_size));
  const auto agreed = agree_x25519(classic.get(), peer_share.subspan(ml_kem_key_size));
  if (!agreed) return failure(agreed.error());
  answer.secret = joined(secret.bytes(), agreed->bytes());
  return answer;
}

}  // namespace handfast::crypto
