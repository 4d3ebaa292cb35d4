// RFC 5280 §4.2.1.10, where libcrypto compares letters and names are more than that.
#include <algorithm>

#include <fmt/format.h>

#include "crypto/chain_checks.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

using OwnedConstraints = Owned<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;

OwnedConstraints constraints_of(const Certificate& certificate) {
  return OwnedConstraints(static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate.native(), NID_name_constraints, nullptr, nullptr)));
}

/// Would the wildcard `pattern` stand for a name that `constraints` exclude?
bool reaches_excluded(std::string_view pattern, const NAME_CONSTRAINTS& constraints) {
  if (!pattern.starts_with("*.")) return false;
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints.excludedSubtrees); ++i) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(
        sk_GENERAL_SUBTREE_value(constraints.excludedSubtrees, i)->base, &kind);
    if (kind != GEN_DNS) continue;
    std::string_view excluded = as_text(bytes_of(static_cast<const ASN1_STRING*>(value)));
    if (excluded.starts_with('.')) excluded.remove_prefix(1);
    if (dns_matches(pattern, excluded)) return true;
  }
  return false;
}

}  // namespace

Checked check_constraints(std::span<const Certificate> path) {
  const auto names = path.front().names();
  for (u32 i = 1; i < path.size(); ++i) {
    if (!path[i].has_name_constraints()) continue;
    const auto constraints = constraints_of(path[i]);
    if (!constraints || (sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees) <= 0 &&
                         sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees) <= 0))
      return refusal(CertificateRule::profile, i,
                     named(i, path[i]) +
                         " has name constraints that say nothing: its issuer must "
                         "make it anew");
    if (!names) continue;
    for (const std::string& name : names->dns) {
      SubjectNames one;
      one.dns.push_back(name);
      if (!is_dns_pattern(name))
        return refusal(CertificateRule::name_constraints, 0,
                       fmt::format("certificate 0 has the name '{}', which is none, so that the "
                                   "constraints of {} cannot be held against it",
                                   to_string(one), named(i, path[i])));
      if (reaches_excluded(name, *constraints))
        return refusal(
            CertificateRule::name_constraints, 0,
            fmt::format("certificate 0 is for {}, and so for a name for which {} may not "
                        "vouch ({})",
                        to_string(one), named(i, path[i]), path[i].name_constraints()));
    }
  }
  return {};
}

}  // namespace handfast::crypto
