// RFC 5280 §6.1 by libcrypto, and its verdicts in our words.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/chain_checks.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

/// Asked by libcrypto about each fault it finds: is it none to us?
int judge(int is_good, X509_STORE_CTX* context) {
  if (is_good == 1) return 1;
  const int index = X509_STORE_CTX_get_error_depth(context);
  switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_HAS_EXPIRED: {
      // §4.1.2.5: notAfter is the last second, inclusive. To libcrypto it is the first too late.
      const X509* current = X509_STORE_CTX_get_current_cert(context);
      const auto end = time_of(X509_get0_notAfter(current));
      const std::chrono::seconds now{
          X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(context))};
      return end && end->time_since_epoch() == now ? 1 : 0;
    }
    case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
    case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
      // Old roots, which everybody trusts as they stand.
      return index + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context)) ? 1 : 0;
    default: return 0;
  }
}

using OwnedContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;

Certificate shared(X509* x509) {
  ASSERT(x509 != nullptr);
  X509_up_ref(x509);
  return Certificate::adopt(x509);
}

CertificateRule rule_of(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED: return CertificateRule::unknown_issuer;
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_NO_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_SUBJECT_ISSUER_MISMATCH:
    case X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM:
    case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
    case X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY: return CertificateRule::bad_signature;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_PATH_LOOP: return CertificateRule::path_too_long;
    case X509_V_ERR_INVALID_PURPOSE: return CertificateRule::wrong_usage;
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE: return CertificateRule::not_a_ca;
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: return CertificateRule::unknown_extension;
    case X509_V_ERR_UNSPECIFIED:  // names times constraints: more than libcrypto compares
      return CertificateRule::too_large;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX: return CertificateRule::name_constraints;
    case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS: return CertificateRule::weak_key;
    case X509_V_ERR_INVALID_EXTENSION: return CertificateRule::malformed;
    default: return CertificateRule::profile;
  }
}

std::string issuer_of(const Certificate& certificate) {
  std::string issuer = certificate.issuer();
  return issuer.empty() ? "an issuer without a name" : issuer;
}

std::string unknown_issuer(int error, u32 index, const Certificate& certificate) {
  const std::string it = named(index, certificate);
  if (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
    return it +
           " is signed by itself and is not in the trust store: if you know it to be the "
           "peer's, add it there or accept it for this name";
  if (error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
    return it + " is a root that is not in the trust store: add it there if you trust it";
  return fmt::format(
      "{} was issued by {}, which is not in the trust store and was not sent: the "
      "peer must send its intermediates, or you must trust this issuer",
      it, issuer_of(certificate));
}

std::string sentence_of(int error, u32 index, const Certificate& certificate) {
  const std::string it = named(index, certificate);
  switch (rule_of(error)) {
    case CertificateRule::unknown_issuer: return unknown_issuer(error, index, certificate);
    case CertificateRule::bad_signature:
      return fmt::format(
          "the signature of {} is not by the key of {}: it was altered, or another "
          "issuer has the same name",
          it, issuer_of(certificate));
    case CertificateRule::path_too_long:
      return fmt::format(
          "{} has more CAs below it than it, or we, allow: get a certificate from a "
          "CA nearer to the root",
          it);
    case CertificateRule::too_large:
      return it + " has more names than can be held against the constraints of CAs above it";
    case CertificateRule::unknown_extension:
      return it + " has a critical extension that we do not know: it cannot be used here";
    case CertificateRule::name_constraints:
      return fmt::format("{} has a name that a CA above it may not vouch for ({})", it,
                         X509_verify_cert_error_string(error));
    case CertificateRule::weak_key:
      return it + " has a key on a curve of its own making: it must have a named one";
    default:
      return fmt::format("{} breaks a rule of RFC 5280 §4.2 ({}): its issuer must make it anew", it,
                         X509_verify_cert_error_string(error));
  }
}

using Path = std::vector<Certificate>;

/// One attempt; on failure the index of the certificate at fault is in the error, and that
/// certificate in `fault`.
Result<Path, CertificateError> attempt(std::span<const Certificate> sent, const TrustStore& store,
                                       Purpose purpose, WallTime now, const VerifierConfig& config,
                                       std::optional<Certificate>& fault) {
  const BorrowingStack others(sk_X509_new_null());
  for (const Certificate& one : sent.subspan(1)) sk_X509_push(others.get(), one.native());
  const OwnedContext context(X509_STORE_CTX_new());
  ASSERT(context && X509_STORE_CTX_init(context.get(), store.native(), sent.front().native(),
                                        others.get()) == 1);
  ASSERT(X509_STORE_CTX_set_default(context.get(),
                                    purpose == Purpose::server ? "ssl_server" : "ssl_client") == 1);
  X509_STORE_CTX_set_verify_cb(context.get(), judge);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  // Never libcrypto's own clock. Every certificate of the store ends a path, roots or not.
  X509_VERIFY_PARAM_set_time(parameters, now.time_since_epoch().count());
  X509_VERIFY_PARAM_set_flags(
      parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  X509_VERIFY_PARAM_set_depth(parameters, to<int>(config.intermediates_max));
  X509_VERIFY_PARAM_set_auth_level(parameters, 0);  // check_path() says which key is too weak
  if (X509_verify_cert(context.get()) == 1) {
    Path path;
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
    for (int i = 0; i < sk_X509_num(chain); ++i) path.push_back(shared(sk_X509_value(chain, i)));
    return path;
  }
  const int error = X509_STORE_CTX_get_error(context.get());
  X509* current = X509_STORE_CTX_get_current_cert(context.get());
  const u32 index = current == nullptr ? 0 : to<u32>(X509_STORE_CTX_get_error_depth(context.get()));
  fault = current == nullptr ? sent.front() : shared(current);
  // Where a rule of ours says the same, it says it better.
  if (error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED)
    if (auto date = check_date(*fault, index, now); !date)
      return std::unexpected(std::move(date.error()));
  const CertificateRule rule = rule_of(error);
  if (rule == CertificateRule::wrong_usage || rule == CertificateRule::not_a_ca)
    if (auto role = check_role(*fault, index, purpose, false); !role)
      return std::unexpected(std::move(role.error()));
  return refusal(rule, index, sentence_of(error, index, *fault));
}

}  // namespace

Result<Path, CertificateError> build_path(std::span<const Certificate> sent,
                                          const TrustStore& store, Purpose purpose, WallTime now,
                                          const VerifierConfig& config) {
  const ErrorQueueGuard guard;
  std::optional<CertificateError> first;
  // libcrypto goes one way only. Where an intermediate leads nowhere, it is left out and another
  // way tried: a CA may be known by several certificates.
  for (Path left(sent.begin(), sent.end());;) {
    std::optional<Certificate> fault;
    auto path = attempt(left, store, purpose, now, config, fault);
    if (path) return path;
    if (!first) first = std::move(path.error());
    const auto at = std::find(left.begin() + 1, left.end(), *fault);
    if (at == left.end()) return std::unexpected(std::move(*first));
    left.erase(at);
  }
}

}  // namespace handfast::crypto
