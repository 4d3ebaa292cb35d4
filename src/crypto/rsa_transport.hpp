// RFC 5246 §7.4.7.1 and RFC 8017 §7.2: a secret that one end makes up, encrypted to the other's RSA
// key. There is no forward secrecy in it: who gets the key later reads all that was said.
#pragma once

#include <vector>

#include "base/types.hpp"
#include "crypto/private_key.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"

namespace handfast::crypto {

/// Two bytes of the version that the client offered, and 46 that nobody can foresee.
inline constexpr u32 pre_master_size = 48;
using PreMaster = SecretBytes<pre_master_size>;

/// `secret`, padded by PKCS #1 v1.5, for `key`, which is RSA: as many bytes as its modulus has.
std::vector<u8> encrypt_pre_master(const PublicKey& key, const PreMaster& secret, Random& random);

/// What `ciphertext` holds for `key`, which is RSA, if it is padded well, has the right length and
/// begins with `version`; else random bytes. Which of both takes the same time, and nobody is told:
/// an answer to that is all that Bleichenbacher's attack needs.
PreMaster decrypt_pre_master(const PrivateKey& key, Bytes ciphertext, u16 version, Random& random);

}  // namespace handfast::crypto
