#include "crypto/signature_scheme.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "base/assert.hpp"

namespace handfast::crypto {
namespace {

struct Row {
  SignatureScheme scheme;
  SignatureAlgorithm algorithm;
  HashAlgorithm hash;
  std::string_view name;
};

using enum HashAlgorithm;
constexpr auto pkcs1 = SignatureAlgorithm::rsa_pkcs1;
constexpr auto rsae = SignatureAlgorithm::rsa_pss_rsae;
constexpr auto pss = SignatureAlgorithm::rsa_pss_pss;
constexpr auto ecdsa = SignatureAlgorithm::ecdsa;

constexpr std::array rows{
    Row{SignatureScheme::rsa_pkcs1_sha256, pkcs1, sha256, "rsa_pkcs1_sha256"},
    Row{SignatureScheme::rsa_pkcs1_sha384, pkcs1, sha384, "rsa_pkcs1_sha384"},
    Row{SignatureScheme::rsa_pkcs1_sha512, pkcs1, sha512, "rsa_pkcs1_sha512"},
    Row{SignatureScheme::ecdsa_secp256r1_sha256, ecdsa, sha256, "ecdsa_secp256r1_sha256"},
    Row{SignatureScheme::ecdsa_secp384r1_sha384, ecdsa, sha384, "ecdsa_secp384r1_sha384"},
    Row{SignatureScheme::ecdsa_secp521r1_sha512, ecdsa, sha512, "ecdsa_secp521r1_sha512"},
    Row{SignatureScheme::rsa_pss_rsae_sha256, rsae, sha256, "rsa_pss_rsae_sha256"},
    Row{SignatureScheme::rsa_pss_rsae_sha384, rsae, sha384, "rsa_pss_rsae_sha384"},
    Row{SignatureScheme::rsa_pss_rsae_sha512, rsae, sha512, "rsa_pss_rsae_sha512"},
    Row{SignatureScheme::ed25519, SignatureAlgorithm::ed25519, sha512, "ed25519"},
    Row{SignatureScheme::rsa_pss_pss_sha256, pss, sha256, "rsa_pss_pss_sha256"},
    Row{SignatureScheme::rsa_pss_pss_sha384, pss, sha384, "rsa_pss_pss_sha384"},
    Row{SignatureScheme::rsa_pss_pss_sha512, pss, sha512, "rsa_pss_pss_sha512"},
};

const Row* find(SignatureScheme scheme) {
  const auto* row = std::ranges::find(rows, scheme, &Row::scheme);
  return row == rows.end() ? nullptr : row;
}

/// RFC 5246 §7.4.1.4.1: hash in the high byte, signature algorithm in the low one.
std::string name_of_pair(u16 code) {
  constexpr std::array<std::string_view, 7> hashes{"none",   "md5",    "sha1",  "sha224",
                                                   "sha256", "sha384", "sha512"};
  constexpr std::array<std::string_view, 4> algorithms{"anonymous", "rsa_pkcs1", "dsa", "ecdsa"};
  const u32 hash = code >> 8;
  const u32 algorithm = code & 0xff;
  if (hash >= hashes.size() || algorithm >= algorithms.size()) return fmt::format("0x{:04x}", code);
  return fmt::format("{}_{}", algorithms[algorithm], hashes[hash]);
}

}  // namespace

std::string to_string(SignatureScheme scheme) {
  if (const Row* row = find(scheme)) return std::string(row->name);
  if (to<u16>(scheme) == 0x0808) return "ed448";
  return name_of_pair(to<u16>(scheme));
}

bool is_known(SignatureScheme scheme) { return find(scheme) != nullptr; }

SignatureAlgorithm algorithm_of(SignatureScheme scheme) {
  const Row* row = find(scheme);
  ASSERT(row != nullptr);
  return row->algorithm;
}

HashAlgorithm hash_of(SignatureScheme scheme) {
  const Row* row = find(scheme);
  ASSERT(row != nullptr);
  return row->hash;
}

}  // namespace handfast::crypto
