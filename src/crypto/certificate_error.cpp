#include "crypto/certificate_error.hpp"

#include <array>

#include "base/assert.hpp"

namespace handfast::crypto {
namespace {

constexpr std::array<std::string_view, to<std::size_t>(CertificateRule::count_)> names{
    "malformed",         "too-large",     "unknown-issuer",   "bad-signature", "not-yet-valid",
    "expired",           "no-names",      "wrong-name",       "wrong-usage",   "not-a-ca",
    "is-a-ca",           "path-too-long", "name-constraints", "weak-key",      "weak-signature",
    "unknown-extension", "profile",       "revoked",          "no-staple",     "bad-staple"};

}  // namespace

std::string_view to_string(CertificateRule rule) {
  ASSERT(rule < CertificateRule::count_);
  return names[to<std::size_t>(rule)];
}

bool may_be_accepted(CertificateRule rule) {
  switch (rule) {
    case CertificateRule::malformed:
    case CertificateRule::too_large:
    case CertificateRule::weak_key:
    case CertificateRule::revoked: return false;
    default: return true;
  }
}

}  // namespace handfast::crypto
