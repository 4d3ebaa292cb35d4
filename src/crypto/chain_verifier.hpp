// RFC 5280 §6 and RFC 9525: is the peer who it must be?
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/trust_store.hpp"

namespace handfast::crypto {

struct VerifierConfig {
  u32 certificates_max = 10;        // that a peer may send
  u32 chain_bytes_max = 128 << 10;  // of all of them
  u32 intermediates_max = 6;        // between the peer's own and one of the trust store
  u32 rsa_bits_min = 2048;
  u32 rsa_bits_max = 8192;  // a larger key makes us work for the peer
  u32 cached_chains_max = 256;
  /// Hold servers to the CA/Browser Forum's Baseline Requirements as well: for a trust store of
  /// public CAs, which keep them. Private CAs often do not.
  bool public_profile = false;
  Duration staple_age_max = std::chrono::days{10};    // where it does not say itself until when
  Duration clock_skew_max = std::chrono::minutes{5};  // of the one who signed a staple
};

/// What a person decided who looked at a certificate: this one, for this name, is the peer.
struct CertificateException {
  Fingerprint certificate{};
  std::optional<PeerName> name{};
};

struct VerifyRequest {
  Purpose purpose = Purpose::server;  // what the peer is
  std::optional<PeerName> name{};     // none: whoever has a certificate by the trust store
  WallTime now{};
  Bytes staple{};             // an OCSPResponse (RFC 6960); empty: there was none
  bool staple_asked = false;  // we offered status_request, so must-staple holds (RFC 7633 §4.2.3)
  const CertificateException* exception = nullptr;
};

struct VerifiedChain {
  std::vector<Certificate> path{};  // the peer's own first, one of the trust store last
  bool was_cached = false;          // its signatures were checked earlier
  /// What an exception let pass; `path` is the peer's own certificate then.
  std::optional<CertificateError> accepted{};
};

/// Validates chains, and keeps those whose signatures it has checked: names, dates, staple and the
/// trust store are looked at each time.
class ChainVerifier {
 public:
  explicit ChainVerifier(TrustStore store, const VerifierConfig& config = {});

  /// `sent` is DER, the peer's own first, in no order after that.
  Result<VerifiedChain, CertificateError> verify(std::span<const Bytes> sent,
                                                 const VerifyRequest& request);

  const TrustStore& store() const { return store_; }
  void replace_store(TrustStore store);
  std::size_t cached_chains() const { return cache_.size(); }

 private:
  struct CachedChain {
    Fingerprint key{};    // of what was sent, and for what
    Fingerprint store{};  // that it was checked against
    std::vector<Certificate> path{};
    u64 used = 0;
  };

  Result<VerifiedChain, CertificateError> verify_anew(std::span<const Certificate> sent,
                                                      const VerifyRequest& request,
                                                      const Fingerprint& key);
  CachedChain* find(const Fingerprint& key);
  void keep(const Fingerprint& key, const std::vector<Certificate>& path);

  TrustStore store_;
  VerifierConfig config_;
  std::vector<CachedChain> cache_{};
  u64 uses_ = 0;
};

}  // namespace handfast::crypto
