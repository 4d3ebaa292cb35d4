// ML-KEM-768 (FIPS 203), where the libcrypto at run time has it: OpenSSL from 3.5 on.
#pragma once

#include "base/types.hpp"
#include "crypto/handles.hpp"
#include "crypto/random.hpp"

namespace handfast::crypto {

inline constexpr u32 ml_kem_key_size = 1184;
inline constexpr u32 ml_kem_ciphertext_size = 1088;
inline constexpr u32 ml_kem_secret_size = 32;

bool has_ml_kem();

// All of these only where has_ml_kem().
/// A new key, and its public half in `key`.
KeyHandle make_ml_kem_key(Random& random, MutBytes key);
/// A secret for who has the other half of `key`, and what tells them. False where that is no key.
bool encapsulate(Bytes key, Random& random, MutBytes ciphertext, MutBytes secret);
/// The secret in `ciphertext`; of one that was changed another secret (FIPS 203 §6.3).
void decapsulate(evp_pkey_st* key, Bytes ciphertext, MutBytes secret);

}  // namespace handfast::crypto
