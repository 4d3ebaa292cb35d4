#include "crypto/certificate_cache.hpp"

#include <algorithm>

#include "crypto/hash.hpp"

namespace handfast::crypto {

Result<Certificate, CertificateError> CertificateCache::parse(Bytes der) {
  Fingerprint fingerprint{};
  std::ranges::copy(hash(HashAlgorithm::sha256, der).bytes(), fingerprint.begin());
  const auto found = std::ranges::find(kept_, fingerprint, &Kept::fingerprint);
  if (found != kept_.end()) {
    found->used = ++uses_;
    return found->certificate;
  }
  auto parsed = Certificate::parse(der);
  if (!parsed || certificates_max_ == 0) return parsed;
  Kept kept{fingerprint, *parsed, ++uses_};
  if (kept_.size() < certificates_max_)
    kept_.push_back(std::move(kept));
  else
    *std::ranges::min_element(kept_, {}, &Kept::used) = std::move(kept);
  return parsed;
}

}  // namespace handfast::crypto
