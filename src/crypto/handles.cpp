#include "crypto/handles.hpp"

#include <openssl/evp.h>

namespace handfast::crypto {

void Free::operator()(evp_pkey_st* it) const { EVP_PKEY_free(it); }
void Free::operator()(evp_pkey_ctx_st* it) const { EVP_PKEY_CTX_free(it); }
void Free::operator()(evp_md_ctx_st* it) const { EVP_MD_CTX_free(it); }
void Free::operator()(evp_cipher_ctx_st* it) const { EVP_CIPHER_CTX_free(it); }

}  // namespace handfast::crypto
