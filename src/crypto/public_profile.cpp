// The CA/Browser Forum's Baseline Requirements for server certificates, as far as they say more
// than RFC 5280 about what a path may hold.
#include <algorithm>

#include <fmt/format.h>

#include "crypto/chain_checks.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

std::unexpected<CertificateError> breach(u32 index, const Certificate& certificate,
                                         std::string_view what) {
  return refusal(CertificateRule::profile, index,
                 fmt::format("{} {}, which a public CA may not do: it must be made anew",
                             named(index, certificate), what));
}

/// §7.1.4.3: a common name is a copy, letter for letter, of one of the names.
bool repeats_a_name(std::string_view common_name, const SubjectNames& names) {
  return std::ranges::find(names.dns, common_name) != names.dns.end() ||
         std::ranges::any_of(names.addresses, [&](const IpOctets& address) {
           return to_string(address) == common_name;
         });
}

Checked check_common_names(const Certificate& own, const SubjectNames& names) {
  const X509_NAME* subject = X509_get_subject_name(own.native());
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
    const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
    if (!repeats_a_name(as_text(bytes_of(value)), names))
      return breach(
          0, own,
          fmt::format("has a common name that is none of its names ({})", to_string(names)));
  }
  return {};
}

}  // namespace

Checked check_public_profile(std::span<const Certificate> path) {
  const Certificate& own = path.front();
  const u32 flags = X509_get_extension_flags(own.native());
  const bool has_subject = X509_NAME_entry_count(X509_get_subject_name(own.native())) > 0;
  if (((flags & EXFLAG_SAN_CRITICAL) != 0) == has_subject)  // §7.1.2.7.12
    return breach(0, own,
                  has_subject ? "has both a subject and a critical subjectAltName"
                              : "has neither a subject nor a critical subjectAltName");
  if (!own.has_extended_key_usage() ||  // §7.1.2.7.10
      (X509_get_extended_key_usage(own.native()) & XKU_ANYEKU) != 0)
    return breach(0, own, "is for any use, not for servers alone");
  if (auto names = check_common_names(own, own.names().value_or(SubjectNames{})); !names)
    return names;

  const u32 last = to<u32>(path.size()) - 1;
  const Certificate& root = path.back();
  if (last == 0 || !root.is_self_issued()) return {};
  if (root.has_extended_key_usage())  // §7.1.2.1.2
    return breach(last, root, "is a root with an extended key usage");
  const ASN1_OCTET_STRING* authority = X509_get0_authority_key_id(root.native());
  const ASN1_OCTET_STRING* subject = X509_get0_subject_key_id(root.native());
  if (authority != nullptr && (subject == nullptr || ASN1_STRING_cmp(authority, subject) != 0))
    return breach(last, root, "is a root that names another as its issuer");  // §7.1.2.1.3
  return {};
}

}  // namespace handfast::crypto
