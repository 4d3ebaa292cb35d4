// RFC 5280 §6: chains that hold, and each rule that one can break.
#include "crypto/chain_verifier.hpp"

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/x509.h>

#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

using testing::HasSubstr;

/// "" where it is accepted; else "rule index".
std::string verdict(const Result<VerifiedChain, CertificateError>& result) {
  if (result) return "";
  EXPECT_FALSE(result.error().sentence.empty());
  return std::string(to_string(result.error().rule)) + " " + std::to_string(result.error().index);
}

CertificateTemplate::Extension extension(const char* name, const char* value) {
  return {name, value};
}

/// The verdict on root <- ca <- server, with changes to each.
std::string verdict_with(const Change& to_server, const Change& to_ca = {},
                         const Change& to_root = {}, const std::string& name = "www.example.org") {
  const Identity root = make_root("Lab root", to_root);
  const Identity ca = make_ca(root, "Lab CA", to_ca);
  const Identity server = make_server(ca, "www.example.org", to_server);
  ChainVerifier verifier = trusting({&root});
  return verdict(verify(verifier, {&server, &ca}, asking_for(name)));
}

TEST(ChainVerifier, finds_the_path_from_the_peer_to_the_root) {
  const Identity root = make_root();
  const Identity ca = make_ca(root, "Lab CA");
  const Identity server = make_server(ca, "www.example.org");
  ChainVerifier verifier = trusting({&root});
  const auto found = verify(verifier, {&server, &ca}, asking_for("www.example.org"));
  ASSERT_TRUE(found) << found.error().sentence;
  EXPECT_THAT(found->path,
              testing::ElementsAre(server.certificate, ca.certificate, root.certificate));
  EXPECT_FALSE(found->was_cached);
  EXPECT_FALSE(found->accepted);
}

TEST(ChainVerifier, takes_intermediates_in_any_order_and_passes_over_strangers) {
  const Identity root = make_root();
  const Identity upper = make_ca(root, "Upper CA");
  const Identity lower = make_ca(upper, "Lower CA");
  const Identity server = make_server(lower, "www.example.org");
  const Identity stranger = make_root("Stranger");
  ChainVerifier verifier = trusting({&root});
  EXPECT_EQ(verdict(verify(verifier, {&server, &root, &stranger, &upper, &lower},
                           asking_for("www.example.org"))),
            "");
}

TEST(ChainVerifier, passes_over_a_ca_whose_key_is_of_an_unknown_kind_but_takes_no_such_peer) {
  const Identity root = make_root();
  const Identity server = make_server(root, "www.example.org");
  const std::vector<u8> own = server.certificate.der();
  std::vector<u8> strange = make_root("Tomorrow").certificate.der();
  constexpr std::array<u8, 7> id_ec_public_key{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
  const auto at = std::ranges::search(strange, id_ec_public_key);
  ASSERT_FALSE(at.empty());
  at.back() = 0x7f;
  ChainVerifier verifier = trusting({&root});
  const VerifyRequest request = asking_for("www.example.org");
  EXPECT_EQ(verdict(verifier.verify(std::array<Bytes, 2>{own, strange}, request)), "");
  EXPECT_EQ(verdict(verifier.verify(std::array<Bytes, 2>{strange, own}, request)), "weak-key 0");
}

TEST(ChainVerifier, trusts_an_intermediate_or_a_server_that_the_store_holds) {
  const Identity root = make_root();
  const Identity ca = make_ca(root, "Lab CA");
  const Identity server = make_server(ca, "www.example.org");
  ChainVerifier trusts_ca = trusting({&ca});
  EXPECT_EQ(verdict(verify(trusts_ca, {&server}, asking_for("www.example.org"))), "");
  ChainVerifier trusts_server = trusting({&server});
  EXPECT_EQ(verdict(verify(trusts_server, {&server}, asking_for("www.example.org"))), "");
  EXPECT_EQ(verdict(verify(trusts_server, {&server}, asking_for("example.org"))), "wrong-name 0");
}

TEST(ChainVerifier, tries_another_certificate_of_a_ca_where_the_first_leads_nowhere) {
  const Identity root = make_root();
  const Identity elsewhere = make_root("Elsewhere");
  const Identity ca = make_ca(root, "Lab CA");
  CertificateTemplate again{.role = CertificateRole::ca, .common_name = "Lab CA"};
  const Identity cross = make_identity(again, &elsewhere, {}, ca.key.clone());
  const Identity server = make_server(ca, "www.example.org");
  ChainVerifier verifier = trusting({&root});
  for (const auto& chain : {std::vector{&server, &cross, &ca}, std::vector{&server, &ca, &cross}})
    EXPECT_EQ(verdict(verify(verifier, chain, asking_for("www.example.org"))), "");
}

TEST(ChainVerifier, says_which_certificate_which_rule_and_what_to_do) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  auto found = verify(verifier, {&server}, asking_for("example.com"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().sentence, "certificate 0 is for example.org; you asked for example.com");

  VerifyRequest late = asking_for("example.org");
  late.now = lab_now + lab_year + std::chrono::seconds{1};
  found = verify(verifier, {&server}, late);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().sentence, HasSubstr("expired at 2031-06-15 00:00:00 UTC"));
  EXPECT_THAT(found.error().sentence, HasSubstr("must be renewed"));

  ChainVerifier strange = trusting({});
  found = verify(strange, {&server}, asking_for("example.org"));
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().sentence,
              HasSubstr("certificate 0 was issued by CN = Lab root, which is not in the trust "
                        "store and was not sent"));
  found = verify(strange, {&server, &root}, asking_for("example.org"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().index, 1U);
  EXPECT_THAT(found.error().sentence,
              HasSubstr("certificate 1 (CN = Lab root) is a root that is not in the trust store"));
}

TEST(ChainVerifier, goes_by_the_clock_that_it_is_given) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org", [](CertificateTemplate& wanted) {
    wanted.not_before = lab_now;
    wanted.not_after = lab_now + std::chrono::hours{1};
  });
  const auto at = [&](std::chrono::seconds offset) {
    ChainVerifier verifier = trusting({&root});
    VerifyRequest request = asking_for("example.org");
    request.now = lab_now + offset;
    return verdict(verify(verifier, {&server}, request));
  };
  EXPECT_EQ(at(std::chrono::seconds{-1}), "not-yet-valid 0");
  EXPECT_EQ(at(std::chrono::seconds{0}), "");
  EXPECT_EQ(at(std::chrono::hours{1}), "");
  EXPECT_EQ(at(std::chrono::seconds{3601}), "expired 0");
}

TEST(ChainVerifier, tells_of_a_stranger_before_it_tells_of_dates) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org", [](CertificateTemplate& wanted) {
    wanted.not_after = lab_now - std::chrono::seconds{1};
  });
  ChainVerifier verifier = trusting({});
  EXPECT_EQ(verdict(verify(verifier, {&server}, asking_for("example.org"))), "unknown-issuer 0");
}

TEST(ChainVerifier, refuses_expired_cas_and_roots) {
  const auto ends = [](CertificateTemplate& wanted) {
    wanted.not_after = lab_now - std::chrono::seconds{1};
  };
  EXPECT_EQ(verdict_with({}, ends), "expired 1");
  EXPECT_EQ(verdict_with({}, {}, ends), "expired 2");
}

TEST(ChainVerifier, wants_names_and_ignores_common_names) {
  EXPECT_EQ(verdict_with([](auto& wanted) { wanted.dns.clear(); }), "no-names 0");
  EXPECT_EQ(verdict_with([](auto& wanted) { wanted.dns = {"other.example.org"}; }), "wrong-name 0");
  EXPECT_EQ(verdict_with([](auto& wanted) { wanted.dns = {"*.example.org"}; }), "");
  EXPECT_EQ(verdict_with([](auto& wanted) { wanted.dns = {"*.org"}; }), "wrong-name 0");
}

TEST(ChainVerifier, matches_addresses_with_addresses_only) {
  const auto has_address = [](CertificateTemplate& wanted) {
    wanted.dns.clear();
    wanted.addresses = {name_of("192.0.2.1").address};
  };
  EXPECT_EQ(verdict_with(has_address, {}, {}, "192.0.2.1"), "");
  EXPECT_EQ(verdict_with(has_address, {}, {}, "192.0.2.2"), "wrong-name 0");
  EXPECT_EQ(verdict_with(has_address, {}, {}, "www.example.org"), "wrong-name 0");
  const auto has_digits = [](CertificateTemplate& wanted) { wanted.dns = {"192.0.2.1"}; };
  EXPECT_EQ(verdict_with(has_digits, {}, {}, "192.0.2.1"), "wrong-name 0");
}

TEST(ChainVerifier, holds_certificates_to_their_use) {
  const auto uses = [](const char* name, const char* value) {
    return [=](CertificateTemplate& wanted) { wanted.extensions = {extension(name, value)}; };
  };
  EXPECT_EQ(verdict_with(uses("extendedKeyUsage", "clientAuth")), "wrong-usage 0");
  EXPECT_EQ(verdict_with(uses("extendedKeyUsage", "anyExtendedKeyUsage")), "wrong-usage 0");
  EXPECT_EQ(verdict_with(uses("extendedKeyUsage", "")), "");
  EXPECT_EQ(verdict_with(uses("keyUsage", "critical,keyAgreement")), "wrong-usage 0");
  EXPECT_EQ(verdict_with({}, uses("extendedKeyUsage", "clientAuth")), "wrong-usage 1");
  EXPECT_EQ(verdict_with({}, uses("extendedKeyUsage", "serverAuth,clientAuth")), "");
}

TEST(ChainVerifier, lets_only_cas_issue) {
  const auto with = [](const char* name, const char* value) {
    return [=](CertificateTemplate& wanted) { wanted.extensions = {extension(name, value)}; };
  };
  EXPECT_EQ(verdict_with({}, with("basicConstraints", "critical,CA:FALSE")), "not-a-ca 1");
  EXPECT_EQ(verdict_with({}, with("basicConstraints", "")), "not-a-ca 1");
  EXPECT_EQ(verdict_with({}, with("keyUsage", "critical,digitalSignature")), "not-a-ca 1");
  EXPECT_EQ(verdict_with({}, {}, with("basicConstraints", "")), "not-a-ca 2");
  EXPECT_EQ(verdict_with([](auto& wanted) {
              wanted.extensions = {extension("basicConstraints", "critical,CA:TRUE"),
                                   extension("keyUsage", "digitalSignature,keyCertSign")};
            }),
            "is-a-ca 0");
}

TEST(ChainVerifier, takes_old_roots_without_key_usage_or_key_identifier) {
  const auto lacks = [](const char* name) {
    return [=](CertificateTemplate& wanted) { wanted.extensions = {extension(name, "")}; };
  };
  EXPECT_EQ(verdict_with({}, {}, lacks("keyUsage")), "");
  EXPECT_EQ(verdict_with({}, lacks("keyUsage")), "not-a-ca 1");
  const auto names_another_key = [](CertificateTemplate& wanted) {
    wanted.extensions = {extension("authorityKeyIdentifier", "DER:30:06:80:04:01:02:03:04")};
  };
  EXPECT_EQ(verdict_with({}, names_another_key, lacks("subjectKeyIdentifier")), "");
  EXPECT_EQ(verdict_with(names_another_key, lacks("subjectKeyIdentifier")), "profile 1");
}

TEST(ChainVerifier, counts_the_cas_between) {
  EXPECT_EQ(verdict_with({}, {}, [](auto& wanted) { wanted.path_length = 0; }), "path-too-long 2");
  EXPECT_EQ(verdict_with({}, {}, [](auto& wanted) { wanted.path_length = 1; }), "");
  const Identity root = make_root();
  const Identity upper = make_ca(root, "Upper CA");
  const Identity lower = make_ca(upper, "Lower CA");
  const Identity server = make_server(lower, "www.example.org");
  for (const u32 most : {0U, 1U, 2U}) {
    ChainVerifier verifier = trusting({&root}, {.intermediates_max = most});
    const auto found = verify(verifier, {&server, &lower, &upper}, asking_for("www.example.org"));
    if (most == 2)
      EXPECT_TRUE(found);
    else
      EXPECT_THAT(verdict(found), HasSubstr("path-too-long"));
  }
}

TEST(ChainVerifier, obeys_name_constraints) {
  const auto may = [](const char* constraints) {
    return [=](CertificateTemplate& wanted) {
      wanted.extensions = {extension("nameConstraints", constraints)};
    };
  };
  const auto has = [](const char* name) {
    return [=](CertificateTemplate& wanted) { wanted.dns.emplace_back(name); };
  };
  EXPECT_EQ(verdict_with({}, may("critical,permitted;DNS:example.org")), "");
  EXPECT_EQ(verdict_with({}, may("permitted;DNS:example.org")), "");
  EXPECT_EQ(verdict_with({}, may("critical,permitted;DNS:example.net")), "name-constraints 0");
  EXPECT_EQ(verdict_with({}, may("critical,excluded;DNS:www.example.org")), "name-constraints 0");
  EXPECT_EQ(verdict_with({}, {}, may("critical,excluded;DNS:example.org")), "name-constraints 0");
  const auto secret = may("critical,excluded;DNS:secret.example.org");
  EXPECT_EQ(verdict_with(has("*.example.org"), secret), "name-constraints 0");
  EXPECT_EQ(verdict_with(has("*.more.example.org"), secret), "");
  const auto nonsense = [](CertificateTemplate& wanted) {
    wanted.extensions = {extension("subjectAltName", "DNS:www.example.org,DNS:.example.org")};
  };
  EXPECT_EQ(verdict_with(nonsense, secret), "name-constraints 0");
  EXPECT_EQ(verdict_with(nonsense), "");
}

TEST(ChainVerifier, refuses_weak_keys_and_signatures) {
  const Identity root = make_root();
  ChainVerifier verifier = trusting({&root});
  const auto with_key = [&](PrivateKey key) {
    CertificateTemplate wanted{.common_name = "x", .dns = {"example.org"}};
    const Identity server = make_identity(wanted, &root, {}, std::move(key));
    return verdict(verify(verifier, {&server}, asking_for("example.org")));
  };
  EXPECT_EQ(with_key(make_key(KeyType::rsa, 1024)), "weak-key 0");
  EXPECT_EQ(with_key(make_key(KeyType::rsa, 2048)), "");
  EXPECT_EQ(with_key(make_odd_key()), "weak-key 0");
  for (const KeyType type : {KeyType::ec_p384, KeyType::ec_p521, KeyType::ed25519})
    EXPECT_EQ(with_key(make_key(type)), "");
  const auto digest = [](const char* name) {
    return [=](CertificateTemplate& wanted) { wanted.digest = name; };
  };
  EXPECT_EQ(verdict_with(digest("SHA1")), "weak-signature 0");
  EXPECT_EQ(verdict_with({}, digest("SHA1")), "weak-signature 1");
  EXPECT_EQ(verdict_with({}, {}, digest("SHA1")), "");  // nobody looks at a root's own signature
}

TEST(ChainVerifier, takes_signatures_of_every_kind_that_it_takes_keys_of) {
  for (const KeyType type : {KeyType::rsa, KeyType::rsa_pss, KeyType::ec_p256, KeyType::ec_p384,
                             KeyType::ec_p521, KeyType::ed25519}) {
    CertificateTemplate wanted{.role = CertificateRole::ca, .common_name = "Lab root"};
    const Identity root = make_identity(wanted, nullptr, {}, make_key(type));
    const Identity server = make_server(root, "example.org");
    ChainVerifier verifier = trusting({&root});
    EXPECT_EQ(verdict(verify(verifier, {&server}, asking_for("example.org"))), "")
        << to_string(type) << ", " << server.certificate.signature_algorithm();
  }
}

TEST(ChainVerifier, refuses_a_signature_by_another_of_the_same_name) {
  const Identity root = make_root();
  const Identity impostor = make_root();
  const Identity server = make_server(impostor, "www.example.org", [](auto& wanted) {
    wanted.extensions = {extension("authorityKeyIdentifier", "issuer:always")};
  });
  ChainVerifier verifier = trusting({&root});
  EXPECT_FALSE(verify(verifier, {&server}, asking_for("www.example.org")));
}

TEST(ChainVerifier, refuses_what_any_bit_of_was_changed) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  const std::vector<u8> good = server.certificate.der();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::vector<u8> bad = good;
    bad[at] ^= 0x01;
    const std::array<Bytes, 1> sent{bad};
    ASSERT_FALSE(verifier.verify(sent, asking_for("example.org"))) << "byte " << at;
  }
}

TEST(ChainVerifier, knows_every_critical_extension_or_refuses) {
  const auto has = [](CertificateTemplate& wanted) {
    wanted.extensions = {extension("1.3.6.1.4.1.99999.1", "critical,DER:05:00")};
  };
  EXPECT_EQ(verdict_with(has), "unknown-extension 0");
  EXPECT_EQ(verdict_with({}, has), "unknown-extension 1");
}

TEST(ChainVerifier, wants_serial_numbers_as_rfc_5280_has_them) {
  const Identity root = make_root();
  ChainVerifier verifier = trusting({&root});
  const auto with_serial = [&](const char* digits) {
    const Identity server = make_server(root, "example.org");
    X509* x509 = server.certificate.native();
    BIGNUM* number = nullptr;
    BN_hex2bn(&number, digits);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    X509_sign(x509, root.key.native(), EVP_sha256());
    return verdict(verify(verifier, {&server}, asking_for("example.org")));
  };
  EXPECT_EQ(with_serial("1"), "");
  EXPECT_EQ(with_serial(std::string(40, '7').c_str()), "");
  EXPECT_EQ(with_serial("0"), "profile 0");
  EXPECT_EQ(with_serial("-1"), "profile 0");
  EXPECT_EQ(with_serial(std::string(42, '7').c_str()), "profile 0");
}

TEST(ChainVerifier, wants_policy_constraints_to_be_critical) {
  const auto constrained = [](const char* value) {
    return [=](CertificateTemplate& wanted) {
      wanted.extensions = {extension("policyConstraints", value)};
    };
  };
  EXPECT_EQ(verdict_with({}, constrained("requireExplicitPolicy:3")), "profile 1");
  EXPECT_EQ(verdict_with({}, constrained("critical,requireExplicitPolicy:3")), "");
}

TEST(ChainVerifier, reads_no_more_than_its_limits) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  const std::vector<const Identity*> many(5, &server);
  ChainVerifier few = trusting({&root}, {.certificates_max = 4});
  EXPECT_EQ(verdict(verify(few, many, asking_for("example.org"))), "too-large 4");
  ChainVerifier small = trusting({&root}, {.chain_bytes_max = 100});
  EXPECT_EQ(verdict(verify(small, {&server}, asking_for("example.org"))), "too-large 0");
  EXPECT_EQ(verdict(verify(few, {}, asking_for("example.org"))), "malformed 0");
}

TEST(ChainVerifier, judges_clients_without_names_by_their_use) {
  const Identity root = make_root();
  const Identity client = make_client(root, "alice");
  const Identity server = make_server(root, "example.org");
  ChainVerifier verifier = trusting({&root});
  VerifyRequest request;
  request.purpose = Purpose::client;
  request.now = lab_now;
  EXPECT_EQ(verdict(verify(verifier, {&client}, request)), "");
  EXPECT_EQ(verdict(verify(verifier, {&server}, request)), "wrong-usage 0");
  request.purpose = Purpose::server;
  EXPECT_EQ(verdict(verify(verifier, {&server}, request)), "");
  EXPECT_EQ(verdict(verify(verifier, {&client}, request)), "wrong-usage 0");
}

TEST(ChainVerifier, holds_public_cas_to_their_requirements) {
  const Identity root = make_root();
  const auto judged = [&](const Change& change) {
    const Identity server = make_server(root, "www.example.org", change);
    ChainVerifier verifier = trusting({&root}, {.public_profile = true});
    return verdict(verify(verifier, {&server}, asking_for("www.example.org")));
  };
  EXPECT_EQ(judged({}), "");
  EXPECT_EQ(judged([](auto& wanted) { wanted.common_name.clear(); }), "");
  EXPECT_EQ(judged([](auto& wanted) { wanted.common_name = "WWW.example.org"; }), "profile 0");
  EXPECT_EQ(judged([](auto& wanted) {
              wanted.extensions = {extension("subjectAltName", "critical,DNS:www.example.org")};
            }),
            "profile 0");
  EXPECT_EQ(judged([](auto& wanted) { wanted.extensions = {extension("extendedKeyUsage", "")}; }),
            "profile 0");
  EXPECT_EQ(judged([](auto& wanted) {
              wanted.extensions = {extension("extendedKeyUsage", "serverAuth,anyExtendedKeyUsage")};
            }),
            "profile 0");
}

TEST(Exception, lets_the_pinned_certificate_pass_for_its_name_alone) {
  const Identity stranger = make_root("Stranger");
  const Identity server = make_server(stranger, "example.org");
  const Identity other = make_server(stranger, "example.org");
  ChainVerifier verifier = trusting({});
  VerifyRequest request = asking_for("example.org");
  const CertificateException exception{server.certificate.fingerprint(), request.name};
  request.exception = &exception;
  const auto found = verify(verifier, {&server}, request);
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->accepted);
  EXPECT_EQ(found->accepted->rule, CertificateRule::unknown_issuer);
  EXPECT_EQ(verdict(verify(verifier, {&other}, request)), "unknown-issuer 0");
  request.name = name_of("www.example.org");
  EXPECT_EQ(verdict(verify(verifier, {&server}, request)), "unknown-issuer 0");
}

TEST(Exception, does_not_make_a_weak_key_strong) {
  const Identity root = make_root();
  CertificateTemplate wanted{.common_name = "x", .dns = {"example.org"}};
  const Identity server = make_identity(wanted, &root, {}, make_key(KeyType::rsa, 1024));
  VerifyRequest request = asking_for("example.org");
  const CertificateException exception{server.certificate.fingerprint(), request.name};
  request.exception = &exception;
  ChainVerifier trusts = trusting({&root});
  EXPECT_EQ(verdict(verify(trusts, {&server}, request)), "weak-key 0");
  ChainVerifier trusts_nobody = trusting({});
  EXPECT_EQ(verdict(verify(trusts_nobody, {&server}, request)), "weak-key 0");
}

}  // namespace
}  // namespace handfast::crypto
