// RFC 5280 §4.1: the fields of a certificate. certificate_extensions.cpp has §4.2.
#include "crypto/certificate.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#include "base/assert.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

std::unexpected<CertificateError> malformed(u32 index, std::string_view why) {
  return failure(CertificateError{CertificateRule::malformed, index,
                                  fmt::format("certificate {} cannot be read: {}", index, why)});
}

/// As `openssl x509` shows it: "CN = …", with escapes for all but printable ASCII.
std::string printed(const X509_NAME* name) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  ASSERT(bio != nullptr);
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE);
  return text_of(bio.get());
}

/// What X509V3_EXT_d2i() made.
void release(const X509V3_EXT_METHOD* method, void* value) {
  if (method->it != nullptr)
    ASN1_item_free(static_cast<ASN1_VALUE*>(value), ASN1_ITEM_ptr(method->it));
  else
    method->ext_free(value);
}

WallTime known_time_of(const ASN1_TIME* time) {
  const auto known = time_of(time);
  ASSERT(known);
  return *known;
}

}  // namespace

std::optional<WallTime> time_of(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{tm.tm_year + 1900},
                                         std::chrono::month{to<u32>(tm.tm_mon + 1)},
                                         std::chrono::day{to<u32>(tm.tm_mday)}};
  return std::chrono::sys_days{date} + std::chrono::hours{tm.tm_hour} +
         std::chrono::minutes{tm.tm_min} + std::chrono::seconds{tm.tm_sec};
}

void Certificate::Release::operator()(x509_st* x509) const { X509_free(x509); }

Certificate::Certificate(const Certificate& other) : x509_(other.x509_.get()) {
  if (x509_) X509_up_ref(x509_.get());
}

Certificate& Certificate::operator=(const Certificate& other) { return *this = Certificate(other); }

Result<Certificate, CertificateError> Certificate::parse(Bytes der, u32 index) {
  if (der.size() > bytes_max)
    return failure(CertificateError{CertificateRule::too_large, index,
                                    fmt::format("certificate {} has {} bytes; at most {} are read",
                                                index, der.size(), u32{bytes_max})});
  const ErrorQueueGuard guard;
  const u8* at = der.data();
  X509* x509 = d2i_X509(nullptr, &at, to<long>(der.size()));
  if (x509 == nullptr) return malformed(index, "it is not a certificate in DER");
  Certificate certificate(x509);
  // The fingerprint is of what was received: two encodings of one certificate would have two.
  if (!std::ranges::equal(certificate.der(), der))
    return malformed(index, "it is not in DER, or more bytes follow it");
  if (X509_get0_pubkey(x509) == nullptr)
    return failure(CertificateError{
        CertificateRule::weak_key, index,
        fmt::format("the key of certificate {} is of a kind that we do not know", index)});
  if (!time_of(X509_get0_notBefore(x509)) || !time_of(X509_get0_notAfter(x509)))
    return malformed(index, "its dates are none");
  // Reads the extensions once and keeps them; false where one is broken or comes twice.
  if (X509_check_purpose(x509, -1, 0) != 1 ||
      (X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0)
    return malformed(index, "an extension is broken");
  // libcrypto has looked at those that it goes by; what others say must be readable as well.
  for (int i = 0; i < X509_get_ext_count(x509); ++i) {
    X509_EXTENSION* extension = X509_get_ext(x509, i);
    const X509V3_EXT_METHOD* method = X509V3_EXT_get(extension);
    if (method == nullptr) continue;
    void* value = X509V3_EXT_d2i(extension);
    if (value == nullptr) return malformed(index, "an extension is broken");
    release(method, value);
  }
  return certificate;
}

std::vector<u8> Certificate::der() const {
  const int size = i2d_X509(native(), nullptr);
  ASSERT(size > 0);
  std::vector<u8> out(to<std::size_t>(size));
  u8* at = out.data();
  i2d_X509(native(), &at);
  return out;
}

Fingerprint Certificate::fingerprint() const {
  Fingerprint out{};
  u32 size = 0;
  ASSERT(X509_digest(native(), EVP_sha256(), out.data(), &size) == 1 && size == out.size());
  return out;
}

bool Certificate::operator==(const Certificate& other) const {
  return X509_cmp(native(), other.native()) == 0;
}

std::string Certificate::subject() const { return printed(X509_get_subject_name(native())); }
std::string Certificate::issuer() const { return printed(X509_get_issuer_name(native())); }

std::vector<u8> Certificate::subject_der() const {
  const u8* der = nullptr;
  std::size_t size = 0;
  ASSERT(X509_NAME_get0_der(X509_get_subject_name(native()), &der, &size) == 1);
  return {der, der + size};
}

std::string Certificate::serial() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(native());
  std::string text = (ASN1_STRING_type(serial) & V_ASN1_NEG) != 0 ? "-" : "";
  for (const u8 octet : bytes_of(serial)) text += fmt::format("{:02x}", octet);
  return text;
}

bool Certificate::is_self_issued() const {
  return X509_NAME_cmp(X509_get_subject_name(native()), X509_get_issuer_name(native())) == 0;
}

WallTime Certificate::not_before() const { return known_time_of(X509_get0_notBefore(native())); }
WallTime Certificate::not_after() const { return known_time_of(X509_get0_notAfter(native())); }

PublicKey Certificate::public_key() const {
  EVP_PKEY* key = X509_get0_pubkey(native());
  EVP_PKEY_up_ref(key);
  return PublicKey(KeyHandle(key));
}

std::string Certificate::signature_algorithm() const {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, native());
  std::array<char, 80> text{};
  OBJ_obj2txt(text.data(), to<int>(text.size()), algorithm->algorithm, 0);
  return text.data();
}

bool Certificate::is_signed_strongly() const {
  int digest = NID_undef;
  int key = NID_undef;
  if (X509_get_signature_info(native(), &digest, &key, nullptr, nullptr) != 1) return false;
  if (key == NID_ED25519) return true;
  const bool is_strong = digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
  return is_strong &&
         (key == NID_rsaEncryption || key == NID_rsassaPss || key == NID_X9_62_id_ecPublicKey);
}

std::string to_string(const Fingerprint& fingerprint) {
  return fmt::format("{:02x}", fmt::join(fingerprint, ":"));
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  std::string digits;
  std::ranges::remove_copy(text, std::back_inserter(digits), ':');
  Fingerprint fingerprint{};
  if (digits.size() != 2 * fingerprint.size()) return std::nullopt;
  for (std::size_t i = 0; i < fingerprint.size(); ++i) {
    const std::string_view octet = std::string_view(digits).substr(2 * i, 2);
    if (octet.find_first_not_of("0123456789abcdefABCDEF") != octet.npos) return std::nullopt;
    fingerprint[i] = to<u8>(std::stoul(std::string(octet), nullptr, 16));
  }
  return fingerprint;
}

std::string to_string(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string describe(const Certificate& certificate) {
  const auto names = certificate.names();
  const PublicKey key = certificate.public_key();
  const auto or_none = [](std::string name) { return name.empty() ? "none" : name; };
  return fmt::format(
      "subject      {}\nissuer       {}{}\nnames        {}\nvalid        {} to {}\n"
      "key          {}, {} bits\nsigned with  {}\nserial       {}\nSHA-256      {}\n",
      or_none(certificate.subject()), or_none(certificate.issuer()),
      certificate.is_self_issued() ? " (itself)" : "", names ? to_string(*names) : "none",
      to_string(certificate.not_before()), to_string(certificate.not_after()),
      to_string(key.type()), key.bits(), certificate.signature_algorithm(), certificate.serial(),
      to_string(certificate.fingerprint()));
}

}  // namespace handfast::crypto
