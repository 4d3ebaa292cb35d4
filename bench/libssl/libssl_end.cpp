#include <array>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/assert.hpp"
#include "ends.hpp"

namespace handfast::bench {
namespace {

X509* read_certificate(Bytes der) {
  const u8* at = der.data();
  X509* certificate = d2i_X509(nullptr, &at, to<long>(der.size()));
  ASSERT(certificate != nullptr);
  return certificate;
}

void show(SSL_CTX* context, const Lab& lab) {
  X509* own = read_certificate(lab.server.certificate.der());
  ASSERT(SSL_CTX_use_certificate(context, own) == 1);
  ASSERT(SSL_CTX_use_PrivateKey(context, lab.server.key.native()) == 1);
  X509_free(own);
  ASSERT(SSL_CTX_add_extra_chain_cert(context, read_certificate(lab.ca.certificate.der())) == 1);
}

void trust(SSL_CTX* context, const Lab& lab) {
  X509* root = read_certificate(lab.root.certificate.der());
  ASSERT(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root) == 1);
  X509_free(root);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

}  // namespace

void LibsslEnds::Free::operator()(ssl_ctx_st* it) const { SSL_CTX_free(it); }
void LibsslEnds::End::Free::operator()(ssl_st* it) const { SSL_free(it); }

LibsslEnds::LibsslEnds(const Lab& lab, tls::Role role)
    : context_(SSL_CTX_new(role == tls::Role::client ? TLS_client_method() : TLS_server_method())),
      role_(role) {
  SSL_CTX* context = context_.get();
  ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
  ASSERT(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1);
  ASSERT(SSL_CTX_set1_groups_list(context, "X25519") == 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ASSERT(SSL_CTX_set_num_tickets(context, 1) == 1);
  if (role == tls::Role::client)
    trust(context, lab);
  else
    show(context, lab);
}

LibsslEnds::End::End(LibsslEnds& all) : ssl_(SSL_new(all.context_.get())), room_(16 << 10) {
  SSL* ssl = ssl_.get();
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (all.role_ == tls::Role::server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  ASSERT(SSL_set_tlsext_host_name(ssl, server_name) == 1 && SSL_set1_host(ssl, server_name) == 1);
}

bool LibsslEnds::End::is_done() const { return SSL_is_init_finished(ssl_.get()) == 1; }

void LibsslEnds::End::step(std::vector<u8>& in, std::vector<u8>& out) {
  SSL* ssl = ssl_.get();
  if (!in.empty())
    ASSERT(BIO_write(SSL_get_rbio(ssl), in.data(), to<int>(in.size())) == to<int>(in.size()));
  in.clear();
  // Reading takes what comes after the handshake too.
  std::array<u8, 16> data{};
  const int outcome = is_done() ? SSL_read(ssl, data.data(), data.size()) : SSL_do_handshake(ssl);
  ASSERT(outcome == 1 || SSL_get_error(ssl, outcome) == SSL_ERROR_WANT_READ);
  for (;;) {
    const int n = BIO_read(SSL_get_wbio(ssl), room_.data(), to<int>(room_.size()));
    if (n <= 0) break;
    out.insert(out.end(), room_.begin(), room_.begin() + n);
  }
}

namespace {

constexpr u32 piece = 16 << 10;

}  // namespace

/// The same key and nonce again and again: what matters is the time.
EvpBulk::EvpBulk(bool seals)
    : context_(EVP_CIPHER_CTX_new()), buffers_(pieces, std::vector<u8>(piece)) {
  const std::array<u8, 16> key{};
  const std::array<u8, 12> nonce{};
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  ASSERT(EVP_CipherInit_ex2(context_.get(), cipher, key.data(), nonce.data(), seals ? 1 : 0,
                            nullptr) == 1);
  EVP_CIPHER_free(cipher);
}

void EvpBulk::Free::operator()(evp_cipher_ctx_st* it) const { EVP_CIPHER_CTX_free(it); }

void EvpBulk::run() {
  for (std::vector<u8>& buffer : buffers_) {
    int n = 0;
    ASSERT(EVP_CipherUpdate(context_.get(), buffer.data(), &n, buffer.data(), piece) == 1);
  }
}

}  // namespace handfast::bench
