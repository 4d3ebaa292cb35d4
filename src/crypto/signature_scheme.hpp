// RFC 8446 §4.2.3: signature schemes by their code points, which TLS 1.2's pairs of hash and
// signature algorithm (RFC 5246 §7.4.1.4.1) share.
#pragma once

#include <string>

#include "base/types.hpp"
#include "crypto/hash.hpp"

namespace handfast::crypto {

/// A scheme from the wire may have any value; what is not named here cannot be used.
enum class SignatureScheme : u16 {
  rsa_pkcs1_sha256 = 0x0401,  // TLS 1.2 and certificates only, as are its two sisters
  rsa_pkcs1_sha384 = 0x0501,
  rsa_pkcs1_sha512 = 0x0601,
  ecdsa_secp256r1_sha256 = 0x0403,
  ecdsa_secp384r1_sha384 = 0x0503,
  ecdsa_secp521r1_sha512 = 0x0603,
  rsa_pss_rsae_sha256 = 0x0804,
  rsa_pss_rsae_sha384 = 0x0805,
  rsa_pss_rsae_sha512 = 0x0806,
  ed25519 = 0x0807,
  rsa_pss_pss_sha256 = 0x0809,
  rsa_pss_pss_sha384 = 0x080a,
  rsa_pss_pss_sha512 = 0x080b,
};

/// "ecdsa_secp256r1_sha256"; of what cannot be used too, where it has a name ("rsa_pkcs1_sha1",
/// "dsa_sha256"), else "0x1234".
std::string to_string(SignatureScheme scheme);

enum class SignatureAlgorithm : u8 { rsa_pkcs1, rsa_pss_rsae, rsa_pss_pss, ecdsa, ed25519 };

bool is_known(SignatureScheme scheme);
/// Of a known scheme. Ed25519 hashes by itself: its hash() has no meaning.
SignatureAlgorithm algorithm_of(SignatureScheme scheme);
HashAlgorithm hash_of(SignatureScheme scheme);

}  // namespace handfast::crypto
