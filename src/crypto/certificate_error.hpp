// Why a certificate or a chain of them was refused.
#pragma once

#include <string>
#include <string_view>

#include "base/types.hpp"

namespace handfast::crypto {

/// The rule that was broken, RFC 5280 unless said otherwise.
enum class CertificateRule : u8 {
  malformed,          // not DER, not X.509 version 3, or an extension that cannot be read
  too_large,          // more bytes or certificates than the configuration allows
  unknown_issuer,     // §6.1: no path to a certificate of the trust store
  bad_signature,      // §6.1.3 (a)(1)
  not_yet_valid,      // §6.1.3 (a)(2): notBefore
  expired,            // §6.1.3 (a)(2): notAfter
  no_names,           // RFC 9525 §2: no subjectAltName; a common name is none
  wrong_name,         // RFC 9525 §6
  wrong_usage,        // §4.2.1.3, §4.2.1.12: not for servers, not for clients, not for signatures
  not_a_ca,           // §4.2.1.9: its key may not sign certificates
  is_a_ca,            // a CA certificate where a peer's own belongs
  path_too_long,      // §4.2.1.9, or more intermediates than the configuration allows
  name_constraints,   // §4.2.1.10
  weak_key,           // RSA below 2048 bits, or a curve that is not P-256, P-384, P-521, Ed25519
  weak_signature,     // MD5, SHA-1, DSA
  unknown_extension,  // §4.2: critical, and unknown
  profile,            // any other rule of the profile in §4
  revoked,            // RFC 6960: a stapled response says so
  no_staple,          // RFC 7633: the certificate demands a stapled response
  bad_staple,         // RFC 6960 §3.2: a stapled response that proves nothing
  count_,
};

/// "wrong-name": for logs and traces.
std::string_view to_string(CertificateRule rule);

/// May a person who looked at the certificate accept it in spite of this? Not where its key or the
/// bytes themselves cannot be trusted.
bool may_be_accepted(CertificateRule rule);

struct CertificateError {
  CertificateRule rule = CertificateRule::malformed;
  u32 index = 0;           // 0 is the peer's own, 1 its issuer, and so on
  std::string sentence{};  // which certificate, which rule, and what to do
};

}  // namespace handfast::crypto
