// RFC 5280 §4: what a certificate says, and what is none.
#include "crypto/certificate.hpp"

#include <algorithm>
#include <cctype>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/certificate_file.hpp"
#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Certificate, tells_what_it_was_made_with) {
  const Identity root = make_root("Lab root", [](auto& wanted) { wanted.path_length = 1; });
  const Identity server = make_server(root, "www.example.org", [](CertificateTemplate& wanted) {
    wanted.dns.emplace_back("*.example.net");
    wanted.addresses.push_back(name_of("192.0.2.1").address);
    wanted.addresses.push_back(name_of("2001:db8::1").address);
    wanted.must_staple = true;
  });
  const auto parsed = Certificate::parse(server.certificate.der());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, server.certificate);
  EXPECT_EQ(parsed->fingerprint(), server.certificate.fingerprint());
  EXPECT_EQ(parsed->subject(), "CN = www.example.org");
  EXPECT_EQ(parsed->issuer(), "CN = Lab root");
  EXPECT_FALSE(parsed->is_self_issued());
  EXPECT_EQ(parsed->not_before(), lab_now - lab_year);
  EXPECT_EQ(parsed->not_after(), lab_now + lab_year);
  ASSERT_TRUE(parsed->names());
  EXPECT_THAT(parsed->names()->dns, ElementsAre("www.example.org", "*.example.net"));
  EXPECT_EQ(to_string(*parsed->names()), "www.example.org, *.example.net, 192.0.2.1 and 1 more");
  EXPECT_TRUE(names_match(*parsed->names(), name_of("2001:db8:0::1")));
  EXPECT_FALSE(names_match(*parsed->names(), name_of("192.0.2.2")));
  EXPECT_EQ(parsed->public_key(), server.key.public_key());
  EXPECT_EQ(parsed->signature_algorithm(), "ecdsa-with-SHA256");
  EXPECT_TRUE(parsed->is_signed_strongly());
  EXPECT_TRUE(parsed->allows(Purpose::server));
  EXPECT_FALSE(parsed->allows(Purpose::client));
  EXPECT_TRUE(parsed->allows(KeyUsage::digital_signature));
  EXPECT_FALSE(parsed->allows(KeyUsage::certificate_sign));
  EXPECT_FALSE(parsed->is_ca());
  EXPECT_TRUE(parsed->must_staple());

  EXPECT_TRUE(root.certificate.is_self_issued());
  EXPECT_TRUE(root.certificate.is_ca());
  EXPECT_EQ(root.certificate.path_length(), 1);
  EXPECT_TRUE(root.certificate.allows(KeyUsage::certificate_sign));
  EXPECT_FALSE(root.certificate.names());
  EXPECT_FALSE(root.certificate.must_staple());
  EXPECT_NE(root.certificate.serial(), server.certificate.serial());
}

TEST(Certificate, is_described_in_lines_that_a_terminal_does_not_obey) {
  const Identity root = make_root("Evil \x1b[2J root");
  const std::string text = describe(root.certificate);
  EXPECT_THAT(text, HasSubstr("subject      CN = Evil "));
  EXPECT_THAT(text, HasSubstr("(itself)"));
  EXPECT_THAT(text, HasSubstr("ECDSA P-256, 256 bits"));
  EXPECT_THAT(text, HasSubstr("2029-06-15 00:00:00 UTC to 2031-06-15 00:00:00 UTC"));
  EXPECT_EQ(text.find('\x1b'), text.npos);
  const Identity constrained = make_root("Lab root", [](CertificateTemplate& wanted) {
    wanted.extensions.push_back({"nameConstraints", "critical,permitted;DNS:a\x1b[2J.org"});
  });
  EXPECT_EQ(constrained.certificate.name_constraints(), "permitted DNS:a.[2J.org");
  SubjectNames names;
  names.dns.emplace_back("a\x1b]0;b\n.org");
  EXPECT_EQ(to_string(names), "a\\x1b]0;b\\x0a.org");
}

TEST(Certificate, has_a_fingerprint_that_can_be_typed_in_again) {
  const Fingerprint fingerprint = make_root().certificate.fingerprint();
  const std::string text = to_string(fingerprint);
  std::string plain = text;
  std::erase(plain, ':');
  std::ranges::transform(plain, plain.begin(), [](char c) { return to<char>(std::toupper(c)); });
  EXPECT_EQ(parse_fingerprint(text), fingerprint);
  EXPECT_EQ(parse_fingerprint(plain), fingerprint);
  EXPECT_FALSE(parse_fingerprint(plain.substr(1)));
  EXPECT_FALSE(parse_fingerprint(plain + "00"));
  EXPECT_FALSE(parse_fingerprint("-1" + plain.substr(2)));
  EXPECT_FALSE(parse_fingerprint(""));
}

TEST(Certificate, prints_its_constraints) {
  const Identity root = make_root("Lab root", [](CertificateTemplate& wanted) {
    wanted.extensions.push_back(
        {"nameConstraints", "critical,permitted;DNS:example.org,excluded;DNS:secret.example.org"});
  });
  EXPECT_TRUE(root.certificate.has_name_constraints());
  EXPECT_EQ(root.certificate.name_constraints(),
            "permitted DNS:example.org, excluded DNS:secret.example.org");
}

TEST(Certificate, is_refused_when_cut_or_followed_by_more) {
  const std::vector<u8> der = make_root().certificate.der();
  for (std::size_t size = 0; size < der.size(); ++size)
    ASSERT_FALSE(Certificate::parse(Bytes(der).first(size))) << size;
  std::vector<u8> longer = der;
  longer.push_back(0);
  const auto parsed = Certificate::parse(longer, 3);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().rule, CertificateRule::malformed);
  EXPECT_EQ(parsed.error().index, 3U);
  EXPECT_THAT(parsed.error().sentence, HasSubstr("certificate 3 cannot be read"));
}

TEST(Certificate, with_an_extension_that_cannot_be_read_is_refused) {
  for (const char* name :
       {"subjectAltName", "basicConstraints", "authorityInfoAccess", "keyUsage"}) {
    const Identity root = make_root("Lab root", [&](CertificateTemplate& wanted) {
      wanted.extensions.push_back({name, "DER:0c:01:41"});
    });
    const auto parsed = Certificate::parse(root.certificate.der());
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().rule, CertificateRule::malformed);
  }
}

TEST(Certificate, of_too_many_bytes_is_not_looked_at) {
  const std::vector<u8> bytes(Certificate::bytes_max + 1);
  const auto parsed = Certificate::parse(bytes);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().rule, CertificateRule::too_large);
}

TEST(CertificateFile, gives_all_certificates_in_order_and_passes_over_keys) {
  const Identity root = make_root();
  const Identity server = make_server(root, "example.org");
  const std::array chain{server.certificate, root.certificate};
  const std::string pem = "words before\n" + server.key.to_pem() + to_pem(chain) + "and after\n";
  const auto parsed = parse_certificates(as_bytes(pem));
  ASSERT_TRUE(parsed) << parsed.error().sentence;
  EXPECT_THAT(*parsed, ElementsAre(server.certificate, root.certificate));
  const auto der = parse_certificates(root.certificate.der());
  ASSERT_TRUE(der);
  EXPECT_THAT(*der, ElementsAre(root.certificate));
}

TEST(CertificateFile, says_what_is_wrong_with_it) {
  const Identity root = make_root();
  const auto sentence = [](std::string_view text) {
    const auto parsed = parse_certificates(as_bytes(text));
    return parsed ? std::string{} : parsed.error().sentence;
  };
  EXPECT_THAT(sentence(""), HasSubstr("holds no certificate"));
  EXPECT_THAT(sentence("hello"), HasSubstr("holds no certificate"));
  EXPECT_THAT(sentence(root.key.to_pem()), HasSubstr("a PRIVATE KEY and no certificate"));
  std::string broken = to_pem(std::span(&root.certificate, 1));
  broken[40] = '!';
  EXPECT_THAT(sentence(broken), HasSubstr("PEM that is broken"));
  EXPECT_THAT(sentence("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              HasSubstr("certificate 0 cannot be read"));
}

TEST(CertificateFile, of_a_store_is_not_spoilt_by_one_of_many) {
  const Identity root = make_root();
  const std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" +
                          to_pem(std::span(&root.certificate, 1));
  EXPECT_THAT(parse_readable_certificates(as_bytes(pem)), ElementsAre(root.certificate));
  EXPECT_TRUE(parse_readable_certificates({}).empty());
}

TEST(CertificateBuilder, refuses_what_would_be_no_certificate) {
  const PrivateKey key = make_key();
  CertificateTemplate wanted{.common_name = "x", .not_before = lab_now, .not_after = lab_now};
  EXPECT_TRUE(issue(wanted, key.public_key(), nullptr, key));
  wanted.dns = {"a name,with,syntax"};
  EXPECT_FALSE(issue(wanted, key.public_key(), nullptr, key));
  wanted.dns.clear();
  wanted.not_after -= std::chrono::seconds{1};
  EXPECT_FALSE(issue(wanted, key.public_key(), nullptr, key));
  wanted.not_after = lab_now;
  wanted.common_name = std::string(65, 'x');
  EXPECT_FALSE(issue(wanted, key.public_key(), nullptr, key));
}

}  // namespace
}  // namespace handfast::crypto
