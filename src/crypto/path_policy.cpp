// Our own rules for a path that libcrypto has found good: where it is lenient, or knows no name.
#include <utility>

#include <fmt/format.h>

#include "crypto/chain_checks.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

std::string_view word(Purpose purpose) {
  return purpose == Purpose::server ? "servers" : "clients";
}

/// §4.1.2.2 and §4.2.1.11; not for roots: some that everybody trusts have the serial number 0.
Checked check_profile(const Certificate& certificate, u32 index) {
  constexpr std::size_t serial_digits_max = 40;
  const std::string serial = certificate.serial();
  const char* fault = nullptr;
  if (serial.starts_with('-') || serial.find_first_not_of('0') == serial.npos)
    fault = "a serial number that is not positive";
  else if (serial.size() > serial_digits_max)
    fault = "a serial number of more than 20 bytes";
  else if (const int at = X509_get_ext_by_NID(certificate.native(), NID_policy_constraints, -1);
           at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate.native(), at)) == 0)
    fault = "policy constraints that are not marked critical";
  if (fault == nullptr) return {};
  return refusal(
      CertificateRule::profile, index,
      fmt::format("{} has {}: its issuer must make it anew", named(index, certificate), fault));
}

/// A CA certificate: it has issued the one before it in the path.
Checked check_ca(const Certificate& certificate, u32 index, Purpose purpose, bool is_anchor) {
  if (!certificate.is_ca() || !certificate.allows(KeyUsage::certificate_sign) ||
      !(certificate.has_key_usage() || is_anchor))
    return refusal(
        CertificateRule::not_a_ca, index,
        named(index, certificate) +
            " has issued a certificate and may not: it needs basicConstraints CA and key "
            "usage keyCertSign");
  if (certificate.has_extended_key_usage() && !certificate.allows(purpose))
    return refusal(CertificateRule::wrong_usage, index,
                   fmt::format("{} may not vouch for {}: its extended key usage says so",
                               named(index, certificate), word(purpose)));
  return {};
}

/// The peer's own certificate.
Checked check_peer(const Certificate& own, Purpose purpose, bool is_anchor) {
  if (!own.allows(purpose))
    return refusal(
        CertificateRule::wrong_usage, 0,
        fmt::format("certificate 0 is not for {}: its extended key usage must say {}",
                    word(purpose), purpose == Purpose::server ? "serverAuth" : "clientAuth"));
  if (!own.allows(KeyUsage::digital_signature) && !own.allows(KeyUsage::key_encipherment))
    return refusal(CertificateRule::wrong_usage, 0,
                   "certificate 0 is not for handshakes: its key usage must say digitalSignature");
  // Who put a server's own certificate into the store has looked at it: `openssl req -x509` makes
  // them all CAs.
  if (own.is_ca() && !is_anchor)
    return refusal(CertificateRule::is_a_ca, 0,
                   "certificate 0 is a CA's: the peer needs a certificate of its own");
  if (own.has_name_constraints() && !own.is_ca())
    return refusal(CertificateRule::profile, 0,
                   "certificate 0 has name constraints, which only a CA may have: its issuer must "
                   "make it anew");
  if (purpose == Purpose::server && (!own.names() || own.names()->size() == 0))
    return refusal(
        CertificateRule::no_names, 0,
        fmt::format("certificate 0 ({}) has no subjectAltName, and a common name is none: "
                    "it must be made with one",
                    own.subject()));
  return {};
}

}  // namespace

std::unexpected<CertificateError> refusal(CertificateRule rule, u32 index, std::string sentence) {
  return std::unexpected(CertificateError{rule, index, std::move(sentence)});
}

std::string named(u32 index, const Certificate& certificate) {
  if (index == 0) return "certificate 0";
  return fmt::format("certificate {} ({})", index, certificate.subject());
}

Checked check_key(const Certificate& certificate, u32 index, const VerifierConfig& config) {
  const PublicKey key = certificate.public_key();
  const std::string it = named(index, certificate);
  switch (key.type()) {
    case KeyType::rsa:
    case KeyType::rsa_pss:
      if (key.bits() < config.rsa_bits_min)
        return refusal(CertificateRule::weak_key, index,
                       fmt::format("the RSA key of {} has {} bits; at least {} are safe", it,
                                   key.bits(), config.rsa_bits_min));
      if (key.bits() > config.rsa_bits_max || key.bits() % 8 != 0)
        return refusal(CertificateRule::weak_key, index,
                       fmt::format("the RSA key of {} has {} bits: we take whole bytes, at most {}",
                                   it, key.bits(), config.rsa_bits_max));
      return {};
    case KeyType::ec_p256:
    case KeyType::ec_p384:
    case KeyType::ec_p521:
    case KeyType::ed25519: return {};
    case KeyType::dsa:
    case KeyType::other: break;
  }
  return refusal(
      CertificateRule::weak_key, index,
      fmt::format("the key of {} is of a kind that we do not take ({}): it must be RSA, P-256, "
                  "P-384, P-521 or Ed25519",
                  it, to_string(key.type())));
}

Checked check_role(const Certificate& certificate, u32 index, Purpose purpose, bool is_anchor) {
  return index == 0 ? check_peer(certificate, purpose, is_anchor)
                    : check_ca(certificate, index, purpose, is_anchor);
}

Checked check_path(std::span<const Certificate> path, Purpose purpose,
                   const VerifierConfig& config) {
  for (u32 i = 0; i < path.size(); ++i) {
    const Certificate& one = path[i];
    const bool is_anchor = i + 1 == path.size();
    if (auto key = check_key(one, i, config); !key) return key;
    if (auto role = check_role(one, i, purpose, is_anchor); !role) return role;
    if (i == 0 || !is_anchor)
      if (auto profile = check_profile(one, i); !profile) return profile;
    if (is_anchor) continue;  // trusted as it stands: nobody looks at its signature
    if (!one.is_signed_strongly())
      return refusal(
          CertificateRule::weak_signature, i,
          fmt::format("{} is signed with {}, which can be forged: its issuer must make it "
                      "anew with SHA-256",
                      named(i, one), one.signature_algorithm()));
  }
  if (auto names = check_constraints(path); !names) return names;
  if (config.public_profile && purpose == Purpose::server) return check_public_profile(path);
  return {};
}

Checked check_date(const Certificate& certificate, u32 index, WallTime now) {
  if (now < certificate.not_before())
    return refusal(CertificateRule::not_yet_valid, index,
                   fmt::format("{} is valid from {} on; it is {} now: wait, or set the clock",
                               named(index, certificate), to_string(certificate.not_before()),
                               to_string(now)));
  if (now > certificate.not_after())
    return refusal(
        CertificateRule::expired, index,
        fmt::format("{} expired at {}; it is {} now: it must be renewed, or the clock set",
                    named(index, certificate), to_string(certificate.not_after()), to_string(now)));
  return {};
}

Checked check_name(const Certificate& peer, const std::optional<PeerName>& name) {
  if (!name) return {};
  const auto names = peer.names();
  if (names && names_match(*names, *name)) return {};
  return refusal(CertificateRule::wrong_name, 0,
                 fmt::format("certificate 0 is for {}; you asked for {}",
                             names ? to_string(*names) : "no name", to_string(*name)));
}

}  // namespace handfast::crypto
