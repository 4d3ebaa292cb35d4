// RFC 5280 §6.1.1 (d): whom we trust without a signature.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "crypto/certificate.hpp"

struct x509_store_st;

namespace handfast::crypto {

/// Certificates that a path may end in: roots, but an intermediate or a server's own will do.
class TrustStore {
 public:
  TrustStore();

  /// False: it is there already.
  bool add(const Certificate& certificate);
  void add(std::span<const Certificate> certificates);

  bool contains(const Certificate& certificate) const;
  std::span<const Certificate> certificates() const { return certificates_; }
  bool empty() const { return certificates_.empty(); }
  /// Changes with each addition; equal for stores filled alike.
  const Fingerprint& id() const { return id_; }

  /// libcrypto's own, for this room.
  x509_store_st* native() const { return store_.get(); }

 private:
  struct Release {
    void operator()(x509_store_st* store) const;
  };

  std::unique_ptr<x509_store_st, Release> store_;
  std::vector<Certificate> certificates_;
  Fingerprint id_{};
};

}  // namespace handfast::crypto
