#include "crypto/certificate_builder.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#include "base/assert.hpp"
#include "crypto/hash.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

using Extension = CertificateTemplate::Extension;
using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using OwnedInteger = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using OwnedNumber = Owned<BIGNUM, BN_free>;

std::unexpected<KeyError> failed(std::string why) {
  return std::unexpected(KeyError{std::move(why)});
}

const EVP_MD* digest_for(const CertificateTemplate& wanted, KeyType key) {
  if (wanted.digest != nullptr) return EVP_get_digestbyname(wanted.digest);
  switch (key) {
    case KeyType::ed25519: return nullptr;  // hashes by itself
    case KeyType::ec_p384: return EVP_sha384();
    case KeyType::ec_p521: return EVP_sha512();
    default: return EVP_sha256();
  }
}

/// §4.1.2.2: at most 20 octets, positive, one for each certificate of an issuer; here a hash of
/// what makes it different from the others.
void set_serial(X509* x509, const CertificateTemplate& wanted, const PublicKey& key,
                const Certificate* issuer) {
  Hash running(HashAlgorithm::sha256);
  running.update(key.to_der());
  if (issuer != nullptr) running.update(issuer->fingerprint());
  running.update(as_bytes(fmt::format("{} {} {} {} {}", wanted.common_name,
                                      fmt::join(wanted.dns, ","), wanted.addresses.size(),
                                      to_string(wanted.not_before), to_string(wanted.not_after))));
  Digest digest = running.finish();
  constexpr int octets = 16;
  digest.storage[0] = to<u8>((digest.storage[0] & 0x7f) | 0x40);
  const OwnedNumber number(BN_bin2bn(digest.storage.data(), octets, nullptr));
  const OwnedInteger serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  ASSERT(serial && X509_set_serialNumber(x509, serial.get()) == 1);
}

/// §4.2.1.6, by values, so that no name can be read as syntax.
OwnedExtension subject_names(const CertificateTemplate& wanted) {
  const OwnedNames names(sk_GENERAL_NAME_new_null());
  const auto add = [&](int kind, Bytes value) {
    ASN1_STRING* string =
        ASN1_STRING_type_new(kind == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
    ASSERT(string && ASN1_STRING_set(string, value.data(), to<int>(value.size())) == 1);
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASSERT(name != nullptr);
    GENERAL_NAME_set0_value(name, kind, string);
    ASSERT(sk_GENERAL_NAME_push(names.get(), name) > 0);
  };
  for (const std::string& name : wanted.dns) add(GEN_DNS, as_bytes(name));
  for (const IpOctets& address : wanted.addresses) add(GEN_IPADD, address.bytes());
  const int is_critical = wanted.common_name.empty() ? 1 : 0;
  return OwnedExtension(X509V3_EXT_i2d(NID_subject_alt_name, is_critical, names.get()));
}

std::vector<Extension> usual_extensions(const CertificateTemplate& wanted, KeyType key,
                                        bool has_issuer) {
  std::vector<Extension> list{{"subjectKeyIdentifier", "hash"}};
  if (has_issuer) list.push_back({"authorityKeyIdentifier", "keyid:always"});
  if (wanted.role == CertificateRole::ca) {
    std::string constraints = "critical,CA:TRUE";
    if (wanted.path_length) constraints += fmt::format(",pathlen:{}", *wanted.path_length);
    list.push_back({"basicConstraints", constraints});
    list.push_back({"keyUsage", "critical,keyCertSign,cRLSign"});
    return list;
  }
  list.push_back({"basicConstraints", "critical,CA:FALSE"});
  // TLS 1.2's RSA key transport encrypts to the certificate's key.
  list.push_back({"keyUsage", key == KeyType::rsa ? "critical,digitalSignature,keyEncipherment"
                                                  : "critical,digitalSignature"});
  list.push_back(
      {"extendedKeyUsage", wanted.role == CertificateRole::server ? "serverAuth" : "clientAuth"});
  if (wanted.must_staple) list.push_back({"tlsfeature", "status_request"});
  return list;
}

Result<void, KeyError> add_extensions(X509* x509, const CertificateTemplate& wanted, KeyType key,
                                      const Certificate* issuer) {
  std::vector<Extension> list = usual_extensions(wanted, key, issuer != nullptr);
  bool has_names = !wanted.dns.empty() || !wanted.addresses.empty();
  for (const Extension& extra : wanted.extensions) {
    std::erase_if(list, [&](const Extension& usual) { return usual.name == extra.name; });
    if (extra.name == "subjectAltName") has_names = false;
    list.push_back(extra);
  }
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer == nullptr ? x509 : issuer->native(), x509, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  for (const auto& [name, value] : list) {
    if (value.empty()) continue;
    const OwnedExtension extension(X509V3_EXT_conf(nullptr, &context, name.c_str(), value.c_str()));
    if (!extension || X509_add_ext(x509, extension.get(), -1) != 1)
      return failed(fmt::format("libcrypto makes no extension of {} = {}", name, value));
  }
  if (!has_names) return {};
  const OwnedExtension names = subject_names(wanted);
  ASSERT(names && X509_add_ext(x509, names.get(), -1) == 1);
  return {};
}

Result<void, KeyError> check(const CertificateTemplate& wanted) {
  constexpr std::size_t common_name_max = 64;  // RFC 5280 appendix A, ub-common-name
  if (wanted.common_name.size() > common_name_max)
    return failed(fmt::format("the common name '{}' is longer than {} characters",
                              wanted.common_name, common_name_max));
  if (wanted.not_after < wanted.not_before)
    return failed("the certificate would end before it begins");
  for (const std::string& name : wanted.dns)
    if (!is_dns_pattern(name)) return failed(fmt::format("'{}' is no host name", name));
  return {};
}

}  // namespace

Result<Certificate, KeyError> issue(const CertificateTemplate& wanted, const PublicKey& subject_key,
                                    const Certificate* issuer, const PrivateKey& issuer_key) {
  const ErrorQueueGuard guard;
  if (auto good = check(wanted); !good) return std::unexpected(std::move(good.error()));
  OwnedX509 owned(X509_new());
  X509* x509 = owned.get();
  ASSERT(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1);
  set_serial(x509, wanted, subject_key, issuer);
  if (X509_set_pubkey(x509, subject_key.native()) != 1)
    return failed("libcrypto puts no such key into a certificate");
  if (!wanted.common_name.empty() &&
      X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_commonName, MBSTRING_UTF8,
                                 as_bytes(wanted.common_name).data(),
                                 to<int>(wanted.common_name.size()), -1, 0) != 1)
    return failed(fmt::format("the common name '{}' is no UTF-8", wanted.common_name));
  X509_set_issuer_name(x509, X509_get_subject_name(issuer == nullptr ? x509 : issuer->native()));
  if (ASN1_TIME_set(X509_getm_notBefore(x509), wanted.not_before.time_since_epoch().count()) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(x509), wanted.not_after.time_since_epoch().count()) ==
          nullptr)
    return failed("the dates do not fit into a certificate: its years have four digits");
  if (auto added = add_extensions(x509, wanted, subject_key.type(), issuer); !added)
    return std::unexpected(std::move(added.error()));
  if (X509_sign(x509, issuer_key.native(), digest_for(wanted, issuer_key.type())) <= 0)
    return failed("libcrypto signs no certificate with this key");
  return Certificate::adopt(owned.release());
}

}  // namespace handfast::crypto
