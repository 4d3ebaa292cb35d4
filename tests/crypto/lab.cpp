#include "crypto/lab.hpp"

#include <utility>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/assert.hpp"

namespace handfast::crypto {

PrivateKey make_key(KeyType type, u32 rsa_bits) {
  auto key = PrivateKey::generate(type, rsa_bits);
  ASSERT(key);
  return std::move(*key);
}

PrivateKey make_odd_key() { return PrivateKey(KeyHandle(EVP_EC_gen("secp256k1"))); }

Identity make_identity(CertificateTemplate wanted, const Identity* issuer, const Change& change,
                       PrivateKey key) {
  wanted.not_before = lab_now - lab_year;
  wanted.not_after = lab_now + lab_year;
  if (change) change(wanted);
  auto certificate =
      issue(wanted, key.public_key(), issuer == nullptr ? nullptr : &issuer->certificate,
            issuer == nullptr ? key : issuer->key);
  ASSERT(certificate);
  return {std::move(*certificate), std::move(key)};
}

Identity make_root(const std::string& name, const Change& change) {
  CertificateTemplate wanted{.role = CertificateRole::ca, .common_name = name};
  return make_identity(std::move(wanted), nullptr, change, make_key());
}

Identity make_ca(const Identity& issuer, const std::string& name, const Change& change) {
  CertificateTemplate wanted{.role = CertificateRole::ca, .common_name = name};
  return make_identity(std::move(wanted), &issuer, change, make_key());
}

Identity make_server(const Identity& issuer, const std::string& name, const Change& change) {
  CertificateTemplate wanted{.common_name = name, .dns = {name}};
  return make_identity(std::move(wanted), &issuer, change, make_key());
}

Identity make_client(const Identity& issuer, const std::string& name, const Change& change) {
  CertificateTemplate wanted{.role = CertificateRole::client, .common_name = name};
  return make_identity(std::move(wanted), &issuer, change, make_key());
}

PeerName name_of(const std::string& text) {
  auto name = PeerName::parse(text);
  ASSERT(name);
  return std::move(*name);
}

ChainVerifier trusting(const std::vector<const Identity*>& roots, const VerifierConfig& config) {
  TrustStore store;
  for (const Identity* root : roots) store.add(root->certificate);
  return ChainVerifier(std::move(store), config);
}

Result<VerifiedChain, CertificateError> verify(ChainVerifier& verifier,
                                               const std::vector<const Identity*>& chain,
                                               const VerifyRequest& request) {
  std::vector<std::vector<u8>> ders;
  for (const Identity* one : chain) ders.push_back(one->certificate.der());
  const std::vector<Bytes> sent(ders.begin(), ders.end());
  return verifier.verify(sent, request);
}

VerifyRequest asking_for(const std::string& name) {
  VerifyRequest request;
  request.name = name_of(name);
  request.now = lab_now;
  return request;
}

}  // namespace handfast::crypto
