// What signing and verifying have in common.
#pragma once

#include <openssl/rsa.h>

#include "crypto/handles.hpp"
#include "crypto/signature_scheme.hpp"

namespace handfast::crypto {

/// A context for digests made by `scheme` (not Ed25519), started by EVP_PKEY_sign_init or
/// EVP_PKEY_verify_init and good for any number of them. Null where the key forbids the scheme.
KeyContext prepare(evp_pkey_st* key, SignatureScheme scheme, int (*start)(evp_pkey_ctx_st*));

}  // namespace handfast::crypto
