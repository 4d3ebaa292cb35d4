#include "crypto/trust_store.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {

void TrustStore::Release::operator()(x509_store_st* store) const { X509_STORE_free(store); }

TrustStore::TrustStore() : store_(X509_STORE_new()) { ASSERT(store_ != nullptr); }

bool TrustStore::add(const Certificate& certificate) {
  if (contains(certificate)) return false;
  ASSERT(X509_STORE_add_cert(native(), certificate.native()) == 1);
  certificates_.push_back(certificate);
  Hash running(HashAlgorithm::sha256);
  running.update(id_);
  running.update(certificate.fingerprint());
  std::ranges::copy(running.finish().bytes(), id_.begin());
  return true;
}

void TrustStore::add(std::span<const Certificate> certificates) {
  for (const Certificate& certificate : certificates) add(certificate);
}

bool TrustStore::contains(const Certificate& certificate) const {
  return std::ranges::find(certificates_, certificate) != certificates_.end();
}

}  // namespace handfast::crypto
