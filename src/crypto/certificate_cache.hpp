// Certificates that were read before. libcrypto takes longer to read one than to check a signature
// by it, and most clients see the same few again and again.
#pragma once

#include <vector>

#include "crypto/certificate.hpp"

namespace handfast::crypto {

class CertificateCache {
 public:
  explicit CertificateCache(u32 certificates_max = 256) : certificates_max_(certificates_max) {}

  /// As Certificate::parse(), which is asked only for what is not here. The one that was not looked
  /// at for the longest goes where there are too many.
  Result<Certificate, CertificateError> parse(Bytes der);
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    Fingerprint fingerprint{};
    Certificate certificate;
    u64 used = 0;
  };

  u32 certificates_max_;
  std::vector<Kept> kept_;
  u64 uses_ = 0;
};

}  // namespace handfast::crypto
