// RFC 5280 §4: making certificates, for tests and labs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/certificate.hpp"
#include "crypto/private_key.hpp"
#include "crypto/public_key.hpp"

namespace handfast::crypto {

enum class CertificateRole : u8 { ca, server, client };

struct CertificateTemplate {
  CertificateRole role = CertificateRole::server;
  std::string common_name{};       // at most 64 characters of UTF-8; may be empty
  std::vector<std::string> dns{};  // host names, perhaps "*.example.org"
  std::vector<IpOctets> addresses{};
  WallTime not_before{};
  WallTime not_after{};
  std::optional<u32> path_length{};  // of a CA
  bool must_staple = false;

  /// For tests of verifiers: extensions in the syntax of `openssl x509 -extfile`. One of a kind
  /// that would be there anyway takes its place; an empty value leaves it out.
  struct Extension {
    std::string name{};   // "basicConstraints"
    std::string value{};  // "critical,CA:TRUE"
  };
  std::vector<Extension> extensions{};
  const char* digest = nullptr;  // "SHA1"; else the one that fits the issuer's key
};

/// Issues a certificate for `subject_key`, signed by `issuer_key`; `issuer` is whose key that is,
/// null for the new certificate itself. The serial number follows from what is certified.
Result<Certificate, KeyError> issue(const CertificateTemplate& wanted, const PublicKey& subject_key,
                                    const Certificate* issuer, const PrivateKey& issuer_key);

}  // namespace handfast::crypto
