// Owners of libcrypto's objects, so that no header of ours shows <openssl/…> to its users.
#pragma once

#include <memory>

struct evp_pkey_st;
struct evp_pkey_ctx_st;
struct evp_md_ctx_st;
struct evp_cipher_ctx_st;

namespace handfast::crypto {

struct Free {
  void operator()(evp_pkey_st* it) const;
  void operator()(evp_pkey_ctx_st* it) const;
  void operator()(evp_md_ctx_st* it) const;
  void operator()(evp_cipher_ctx_st* it) const;
};

using KeyHandle = std::unique_ptr<evp_pkey_st, Free>;
using KeyContext = std::unique_ptr<evp_pkey_ctx_st, Free>;
using HashContext = std::unique_ptr<evp_md_ctx_st, Free>;
using CipherContext = std::unique_ptr<evp_cipher_ctx_st, Free>;

}  // namespace handfast::crypto
