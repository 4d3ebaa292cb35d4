// RFC 5280 §4: one certificate, parsed once and never changed.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/certificate_error.hpp"
#include "crypto/peer_name.hpp"
#include "crypto/public_key.hpp"

struct x509_st;

namespace handfast::crypto {

/// The SHA-256 of a certificate's DER: what pins it.
using Fingerprint = std::array<u8, 32>;
/// "3f:9a:…", as browsers show it.
std::string to_string(const Fingerprint& fingerprint);
/// The same with or without its colons, in either case; none where it is none.
std::optional<Fingerprint> parse_fingerprint(std::string_view text);

/// The subjectAltName, §4.2.1.6.
struct SubjectNames {
  std::vector<std::string> dns{};  // as they stand: perhaps with a wildcard, perhaps nonsense
  std::vector<IpOctets> addresses{};
  std::vector<std::string> emails{};
  std::vector<std::string> uris{};
  u32 others = 0;  // of kinds that no peer on the Internet is asked by

  std::size_t size() const {
    return dns.size() + addresses.size() + emails.size() + uris.size() + others;
  }
};

/// Is one of the names `name`? Common names do not count (RFC 9525 §2).
bool names_match(const SubjectNames& names, const PeerName& name);
/// "example.org, *.example.net and 3 more", without characters that a terminal obeys.
std::string to_string(const SubjectNames& names);

/// §4.2.1.3, by its bit numbers.
enum class KeyUsage : u16 {
  digital_signature = 1U << 0,
  key_encipherment = 1U << 2,
  certificate_sign = 1U << 5,
};

/// What a TLS peer is, §4.2.1.12.
enum class Purpose : u8 { server, client };

/// A handle to an immutable certificate; a copy refers to the same one.
class Certificate {
 public:
  static constexpr u32 bytes_max = 64U << 10;

  /// Takes DER, all of it. `index` is what an error will call it.
  static Result<Certificate, CertificateError> parse(Bytes der, u32 index = 0);

  Certificate(const Certificate& other);
  Certificate& operator=(const Certificate& other);
  Certificate(Certificate&&) noexcept = default;
  Certificate& operator=(Certificate&&) noexcept = default;
  ~Certificate() = default;

  std::vector<u8> der() const;
  Fingerprint fingerprint() const;
  bool operator==(const Certificate& other) const;

  /// "CN = example.org, O = …", with escapes for what a terminal would obey; "" if it has none.
  std::string subject() const;
  std::string issuer() const;
  /// DER of the subject: what a CertificateRequest's certificate_authorities holds.
  std::vector<u8> subject_der() const;
  std::string serial() const;  // in hexadecimal
  /// Subject and issuer are the same.
  bool is_self_issued() const;

  /// notBefore and notAfter, both inclusive.
  WallTime not_before() const;
  WallTime not_after() const;

  /// None where there is no extension; parse() has refused one that cannot be read.
  std::optional<SubjectNames> names() const;

  PublicKey public_key() const;
  /// "ecdsa-with-SHA256", "RSA-SHA1".
  std::string signature_algorithm() const;
  /// Neither MD5, SHA-1 nor DSA.
  bool is_signed_strongly() const;

  bool has_key_usage() const;
  bool allows(KeyUsage usage) const;  // also where the extension is absent
  bool has_extended_key_usage() const;
  bool allows(Purpose purpose) const;  // also where the extension is absent
  bool is_ca() const;                  // basicConstraints with cA
  std::optional<u32> path_length() const;
  bool has_name_constraints() const;
  /// "permitted DNS:example.org, excluded IP:…".
  std::string name_constraints() const;
  /// RFC 7633: it says that a response of its CA will be stapled.
  bool must_staple() const;

  /// libcrypto's own, for this room.
  x509_st* native() const { return x509_.get(); }
  /// Takes over one reference.
  static Certificate adopt(x509_st* x509) { return Certificate(x509); }

 private:
  struct Release {
    void operator()(x509_st* x509) const;
  };
  explicit Certificate(x509_st* x509) : x509_(x509) {}

  std::unique_ptr<x509_st, Release> x509_;
};

/// What a person needs to decide: subject, issuer, names, validity, key, fingerprint; a line each.
std::string describe(const Certificate& certificate);

/// "2026-03-01 12:00:00 UTC".
std::string to_string(WallTime time);

}  // namespace handfast::crypto
