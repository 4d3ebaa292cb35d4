// RFC 5280 §4.2: the extensions of a certificate that we go by.
#include <algorithm>

#include <fmt/format.h>
#include <openssl/objects.h>

#include "base/printable.hpp"
#include "crypto/certificate.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

std::string string_of(const ASN1_STRING* string) { return std::string(as_text(bytes_of(string))); }

void add(SubjectNames& names, const GENERAL_NAME* name) {
  int kind = 0;
  const void* value = GENERAL_NAME_get0_value(name, &kind);
  const auto* string = static_cast<const ASN1_STRING*>(value);
  switch (kind) {
    case GEN_DNS: names.dns.push_back(string_of(string)); return;
    case GEN_EMAIL: names.emails.push_back(string_of(string)); return;
    case GEN_URI: names.uris.push_back(string_of(string)); return;
    case GEN_IPADD: {
      const Bytes octets = bytes_of(string);
      if (octets.size() != 4 && octets.size() != 16) break;
      IpOctets& address = names.addresses.emplace_back();
      address.size = to<u8>(octets.size());
      std::ranges::copy(octets, address.octets.begin());
      return;
    }
    default: break;
  }
  ++names.others;
}

using OwnedConstraints = Owned<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using OwnedFeatures = Owned<TLS_FEATURE, TLS_FEATURE_free>;

void print_subtrees(std::string& text, const char* word,
                    const STACK_OF(GENERAL_SUBTREE) * subtrees) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(subtrees); ++i) {
    BIO_printf(bio.get(), "%s%s ", i > 0 || !text.empty() ? ", " : "", word);
    GENERAL_NAME_print(bio.get(), sk_GENERAL_SUBTREE_value(subtrees, i)->base);
  }
  text += printable(text_of(bio.get()));
}

}  // namespace

std::optional<SubjectNames> Certificate::names() const {
  const ErrorQueueGuard guard;
  const OwnedNames found(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(native(), NID_subject_alt_name, nullptr, nullptr)));
  if (!found) return std::nullopt;
  SubjectNames names;
  for (int i = 0; i < sk_GENERAL_NAME_num(found.get()); ++i)
    add(names, sk_GENERAL_NAME_value(found.get(), i));
  return names;
}

bool names_match(const SubjectNames& names, const PeerName& name) {
  if (name.is_address())
    return std::ranges::find(names.addresses, name.address) != names.addresses.end();
  return std::ranges::any_of(
      names.dns, [&](const std::string& pattern) { return dns_matches(pattern, name.dns); });
}

std::string to_string(const SubjectNames& names) {
  constexpr std::size_t shown_max = 3;
  std::vector<std::string> shown;
  const auto show = [&](std::string text) {
    if (shown.size() < shown_max) shown.push_back(std::move(text));
  };
  for (const std::string& name : names.dns) show(printable(name));
  for (const IpOctets& address : names.addresses) show(to_string(address));
  for (const std::string& name : names.emails) show(printable(name));
  for (const std::string& name : names.uris) show(printable(name));
  if (shown.empty()) return names.others > 0 ? "names that are no host's" : "no name";
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > shown.size()) text += fmt::format(" and {} more", names.size() - shown.size());
  return text;
}

bool Certificate::has_key_usage() const {
  return (X509_get_extension_flags(native()) & EXFLAG_KUSAGE) != 0;
}

bool Certificate::allows(KeyUsage usage) const {
  const u32 bits = X509_get_key_usage(native());  // all ones where there is no extension
  switch (usage) {
    case KeyUsage::digital_signature: return (bits & KU_DIGITAL_SIGNATURE) != 0;
    case KeyUsage::key_encipherment: return (bits & KU_KEY_ENCIPHERMENT) != 0;
    case KeyUsage::certificate_sign: return (bits & KU_KEY_CERT_SIGN) != 0;
  }
  return false;
}

bool Certificate::has_extended_key_usage() const {
  return (X509_get_extension_flags(native()) & EXFLAG_XKUSAGE) != 0;
}

bool Certificate::allows(Purpose purpose) const {
  const u32 wanted = purpose == Purpose::server ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
  return (X509_get_extended_key_usage(native()) & wanted) != 0;
}

bool Certificate::is_ca() const { return (X509_get_extension_flags(native()) & EXFLAG_CA) != 0; }

std::optional<u32> Certificate::path_length() const {
  const long length = X509_get_pathlen(native());
  if (length < 0) return std::nullopt;
  return to<u32>(length);
}

bool Certificate::has_name_constraints() const {
  return X509_get_ext_by_NID(native(), NID_name_constraints, -1) >= 0;
}

std::string Certificate::name_constraints() const {
  const ErrorQueueGuard guard;
  const OwnedConstraints found(static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(native(), NID_name_constraints, nullptr, nullptr)));
  std::string text;
  if (!found) return text;
  print_subtrees(text, "permitted", found->permittedSubtrees);
  print_subtrees(text, "excluded", found->excludedSubtrees);
  return text;
}

bool Certificate::must_staple() const {
  constexpr long status_request = 5;  // RFC 6066 §8
  const ErrorQueueGuard guard;
  const OwnedFeatures found(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(native(), NID_tlsfeature, nullptr, nullptr)));
  for (int i = 0; found && i < sk_ASN1_INTEGER_num(found.get()); ++i)
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(found.get(), i)) == status_request) return true;
  return false;
}

}  // namespace handfast::crypto
