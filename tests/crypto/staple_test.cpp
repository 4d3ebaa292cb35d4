// RFC 6960 and RFC 7633: responses stapled to a server's certificate.
#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "base/assert.hpp"
#include "crypto/chain_verifier.hpp"
#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

using testing::HasSubstr;

ASN1_TIME* to_asn1(WallTime time) {
  return ASN1_TIME_set(nullptr, time.time_since_epoch().count());
}

struct Staple {
  int status = V_OCSP_CERTSTATUS_GOOD;
  WallTime this_update = lab_now - std::chrono::hours{1};
  std::optional<WallTime> next_update = lab_now + std::chrono::hours{24};
  const EVP_MD* digest = EVP_sha256();
  const EVP_MD* id_digest = EVP_sha1();
};

/// An OCSPResponse of `signer` about `subject`, a certificate of `issuer`.
std::vector<u8> make_staple(const Identity& subject, const Identity& issuer, const Identity& signer,
                            const Staple& staple = {}) {
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id =
      OCSP_cert_to_id(staple.id_digest, subject.certificate.native(), issuer.certificate.native());
  ASN1_TIME* begin = to_asn1(staple.this_update);
  ASN1_TIME* end = staple.next_update ? to_asn1(*staple.next_update) : nullptr;
  ASN1_TIME* revoked = to_asn1(lab_now - std::chrono::hours{48});
  ASSERT(OCSP_basic_add1_status(basic, id, staple.status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                revoked, begin, end) != nullptr);
  ASSERT(OCSP_basic_sign(basic, signer.certificate.native(), signer.key.native(), staple.digest,
                         nullptr, &signer == &issuer ? OCSP_NOCERTS : 0) == 1);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  u8* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::vector<u8> out(der, der + size);
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  ASN1_TIME_free(revoked);
  ASN1_TIME_free(end);
  ASN1_TIME_free(begin);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  return out;
}

class StapleTest : public testing::Test {
 protected:
  /// "" where it is accepted; else the rule.
  std::string verdict(const Identity& server, Bytes staple, bool asked = true) {
    ChainVerifier verifier = trusting({&root_});
    VerifyRequest request = asking_for("example.org");
    request.staple = staple;
    request.staple_asked = asked;
    const auto found = verify(verifier, {&server}, request);
    sentence_ = found ? "" : found.error().sentence;
    return found ? "" : std::string(to_string(found.error().rule));
  }
  std::string verdict(const Staple& staple) {
    return verdict(server_, make_staple(server_, root_, root_, staple));
  }
  Identity make_responder(const Identity& issuer, const char* usage = "OCSPSigning",
                          const Change& change = {}) {
    return make_server(issuer, "responder", [&](CertificateTemplate& wanted) {
      wanted.extensions = {{"extendedKeyUsage", usage}};
      if (change) change(wanted);
    });
  }

  const Identity root_ = make_root();
  const Identity server_ = make_server(root_, "example.org");
  std::string sentence_{};
};

TEST_F(StapleTest, that_says_good_is_accepted) {
  EXPECT_EQ(verdict(Staple{}), "");
  EXPECT_EQ(verdict({.id_digest = EVP_sha256()}), "");
}

TEST_F(StapleTest, that_says_revoked_is_believed_even_when_it_is_old) {
  EXPECT_EQ(verdict({.status = V_OCSP_CERTSTATUS_REVOKED}), "revoked");
  EXPECT_THAT(sentence_, HasSubstr("revoked at 2030-06-13"));
  EXPECT_THAT(sentence_, HasSubstr("keyCompromise"));
  EXPECT_EQ(verdict({.status = V_OCSP_CERTSTATUS_REVOKED, .next_update = lab_now - lab_year}),
            "revoked");
}

TEST_F(StapleTest, that_does_not_know_the_certificate_proves_nothing) {
  EXPECT_EQ(verdict({.status = V_OCSP_CERTSTATUS_UNKNOWN}), "bad-staple");
}

TEST_F(StapleTest, is_good_from_this_update_to_next_update) {
  EXPECT_EQ(verdict({.this_update = lab_now + std::chrono::minutes{4}}), "");
  EXPECT_EQ(verdict({.this_update = lab_now + std::chrono::minutes{6}}), "bad-staple");
  EXPECT_EQ(verdict({.next_update = lab_now - std::chrono::minutes{4}}), "");
  EXPECT_EQ(verdict({.next_update = lab_now - std::chrono::minutes{6}}), "bad-staple");
  EXPECT_THAT(sentence_, HasSubstr("was good until"));
}

TEST_F(StapleTest, without_next_update_is_good_for_a_while) {
  EXPECT_EQ(verdict({.this_update = lab_now - std::chrono::days{9}, .next_update = {}}), "");
  EXPECT_EQ(verdict({.this_update = lab_now - std::chrono::days{11}, .next_update = {}}),
            "bad-staple");
}

TEST_F(StapleTest, may_be_signed_by_a_responder_that_the_issuer_appointed) {
  const Identity responder = make_responder(root_);
  EXPECT_EQ(verdict(server_, make_staple(server_, root_, responder)), "");
}

TEST_F(StapleTest, may_be_signed_by_nobody_else) {
  const Identity no_responder = make_responder(root_, "serverAuth");
  EXPECT_EQ(verdict(server_, make_staple(server_, root_, no_responder)), "bad-staple");
  const Identity stranger = make_root("Lab root");
  EXPECT_EQ(verdict(server_, make_staple(server_, root_, stranger)), "bad-staple");
  const Identity strange_responder = make_responder(stranger);
  EXPECT_EQ(verdict(server_, make_staple(server_, root_, strange_responder)), "bad-staple");
  EXPECT_THAT(sentence_, HasSubstr("did not appoint"));
  const Identity expired = make_responder(
      root_, "OCSPSigning", [](auto& wanted) { wanted.not_after = lab_now - lab_year; });
  EXPECT_EQ(verdict(server_, make_staple(server_, root_, expired)), "bad-staple");
}

TEST_F(StapleTest, about_another_certificate_proves_nothing) {
  const Identity other = make_server(root_, "other.example");
  EXPECT_EQ(verdict(server_, make_staple(other, root_, root_)), "bad-staple");
  EXPECT_THAT(sentence_, HasSubstr("about another certificate"));
}

TEST_F(StapleTest, signed_with_sha1_proves_nothing) {
  EXPECT_EQ(verdict({.digest = EVP_sha1()}), "bad-staple");
}

TEST_F(StapleTest, that_was_changed_or_cut_is_refused) {
  const std::vector<u8> good = make_staple(server_, root_, root_);
  for (std::size_t at = 0; at < good.size(); ++at) {
    ASSERT_NE(verdict(server_, Bytes(good).first(at == 0 ? 1 : at)), "") << at;
    std::vector<u8> bad = good;
    bad[at] ^= 0x01;
    ASSERT_NE(verdict(server_, bad), "") << at;
  }
  std::vector<u8> longer = good;
  longer.push_back(0);
  EXPECT_EQ(verdict(server_, longer), "bad-staple");
}

TEST_F(StapleTest, must_be_there_where_the_certificate_says_so_and_it_was_asked_for) {
  const Identity server =
      make_server(root_, "example.org", [](auto& wanted) { wanted.must_staple = true; });
  EXPECT_EQ(verdict(server, {}), "no-staple");
  EXPECT_EQ(verdict(server, {}, false), "");
  EXPECT_EQ(verdict(server, make_staple(server, root_, root_)), "");
  EXPECT_EQ(verdict(server_, {}), "");
}

}  // namespace
}  // namespace handfast::crypto
