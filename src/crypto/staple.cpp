// RFC 6960: the OCSP response that a server staples to its certificate, and RFC 7633: the
// certificate that demands one.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/chain_checks.hpp"
#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

constexpr std::size_t staple_bytes_max = 64U << 10;

using OwnedResponse = Owned<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OwnedBasic = Owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using OwnedId = Owned<OCSP_CERTID, OCSP_CERTID_free>;

std::unexpected<CertificateError> bad(std::string_view why) {
  return refusal(CertificateRule::bad_staple, 0,
                 fmt::format("the OCSP response stapled to certificate 0 {}: the server must fetch "
                             "another",
                             why));
}

/// The digest by which `id` names the issuer. It need not be a strong one: it only names.
const EVP_MD* digest_of(OCSP_CERTID* id) {
  ASN1_OBJECT* algorithm = nullptr;
  OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, id);
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  return digest != nullptr && EVP_MD_get_size(digest) >= 20 ? digest : nullptr;
}

/// The response for `own`, among those that `basic` has.
OCSP_SINGLERESP* find(OCSP_BASICRESP* basic, const Certificate& own, const Certificate& issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(single);
    const EVP_MD* digest = digest_of(const_cast<OCSP_CERTID*>(id));
    if (digest == nullptr) continue;
    const OwnedId wanted(OCSP_cert_to_id(digest, own.native(), issuer.native()));
    if (wanted && OCSP_id_cmp(wanted.get(), id) == 0) return single;
  }
  return nullptr;
}

/// §4.2.2.2: the issuer signs itself, or a responder whose certificate the issuer signed for that.
Checked check_signer(const Certificate& signer, const Certificate& issuer, WallTime now,
                     const VerifierConfig& config) {
  if (signer == issuer) return {};
  if ((X509_get_extended_key_usage(signer.native()) & XKU_OCSP_SIGN) == 0 ||
      !signer.has_extended_key_usage())
    return bad("is signed by a certificate that is not for OCSP");
  if (X509_check_issued(issuer.native(), signer.native()) != X509_V_OK ||
      X509_verify(signer.native(), X509_get0_pubkey(issuer.native())) != 1)
    return bad("is signed by somebody whom the issuer of certificate 0 did not appoint");
  if (!check_key(signer, 0, config) || !signer.is_signed_strongly())
    return bad("is signed by a certificate whose key or signature is weak");
  if (!check_date(signer, 0, now)) return bad("is signed by a certificate that is not valid now");
  return {};
}

Checked check_signature(OCSP_BASICRESP* basic, const Certificate& issuer, WallTime now,
                        const VerifierConfig& config) {
  const BorrowingStack known(sk_X509_new_null());
  sk_X509_push(known.get(), issuer.native());
  X509* signer = nullptr;
  if (OCSP_resp_get0_signer(basic, &signer, known.get()) != 1)
    return bad("does not say who signed it");
  X509_up_ref(signer);
  const Certificate certificate = Certificate::adopt(signer);
  if (auto good = check_signer(certificate, issuer, now, config); !good) return good;
  int digest = NID_undef;
  const X509_ALGOR* algorithm = OCSP_resp_get0_tbs_sigalg(basic);
  if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, nullptr) == 1 &&
      (digest == NID_sha1 || digest == NID_md5))
    return bad("is signed with SHA-1 or MD5, which can be forged");
  // NOVERIFY: the signer's own certificate was judged above, by our clock.
  if (OCSP_basic_verify(basic, known.get(), nullptr, OCSP_NOVERIFY) != 1)
    return bad("has a signature that is not its signer's");
  return {};
}

Checked check_status(OCSP_SINGLERESP* single, WallTime now, const VerifierConfig& config) {
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  int reason = 0;
  const int status =
      OCSP_single_get0_status(single, &reason, &revoked_at, &this_update, &next_update);
  const auto begin = time_of(this_update);
  const auto end = next_update == nullptr ? std::nullopt : time_of(next_update);
  if (!begin || (next_update != nullptr && !end)) return bad("has dates that are none");
  if (status == V_OCSP_CERTSTATUS_REVOKED) {
    const auto when = time_of(revoked_at);
    return refusal(
        CertificateRule::revoked, 0,
        fmt::format("certificate 0 was revoked at {} ({}): its owner must get another",
                    when ? to_string(*when) : "a time that is none", OCSP_crl_reason_str(reason)));
  }
  if (status != V_OCSP_CERTSTATUS_GOOD) return bad("says that its CA does not know certificate 0");
  const auto skew = std::chrono::floor<std::chrono::seconds>(config.clock_skew_max);
  const auto age = std::chrono::floor<std::chrono::seconds>(config.staple_age_max);
  if (now + skew < *begin)
    return bad(fmt::format("is of {}, after now ({})", to_string(*begin), to_string(now)));
  if (now - skew > end.value_or(*begin + age))
    return bad(fmt::format("was good until {}; it is {} now", to_string(end.value_or(*begin + age)),
                           to_string(now)));
  return {};
}

}  // namespace

Checked check_staple(std::span<const Certificate> path, const VerifyRequest& request,
                     const VerifierConfig& config) {
  const Certificate& own = path.front();
  if (request.staple.empty()) {
    if (request.staple_asked && own.must_staple())
      return refusal(CertificateRule::no_staple, 0,
                     "certificate 0 demands a stapled OCSP response (must-staple), and none came: "
                     "the server must staple one");
    return {};
  }
  if (path.size() == 1) return {};  // trusted as it stands: it has no issuer to ask
  if (request.staple.size() > staple_bytes_max) return bad("is too large");
  const ErrorQueueGuard guard;
  const u8* at = request.staple.data();
  const OwnedResponse response(d2i_OCSP_RESPONSE(nullptr, &at, to<long>(request.staple.size())));
  if (!response || at != request.staple.data() + request.staple.size())
    return bad("cannot be read");
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return bad(fmt::format("is no answer ({})", OCSP_response_status_str(status)));
  const OwnedBasic basic(OCSP_response_get1_basic(response.get()));
  if (!basic) return bad("is of a kind that is not known");
  if (auto good = check_signature(basic.get(), path[1], request.now, config); !good) return good;
  OCSP_SINGLERESP* single = find(basic.get(), own, path[1]);
  if (single == nullptr) return bad("is about another certificate");
  return check_status(single, request.now, config);
}

}  // namespace handfast::crypto
