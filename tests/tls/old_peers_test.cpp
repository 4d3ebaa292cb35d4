// What nobody should speak any more is refused by name, by the alert that its speaker understands,
// and in a sentence that says what was offered. The bytes are those of the protocols' own records.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls/messages12.hpp"
#include "tls/server.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Instant now{1h};

std::vector<u8> bytes_of(std::string_view hex) {
  std::vector<u8> bytes;
  std::string digits;
  for (const char c : hex) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(to<u8>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

/// `openssl req -x509 -newkey dsa:…`, 1024 bits.
constexpr std::string_view dsa_certificate =
    "308202cf3082027da00302010202147945fbf0802dfc1c06f3353d5227f30e834c4b83300b06096086480165"
    "03040302300c310a300806035504030c01733020170d3236313132313231313530355a180f32303831303832"
    "343231313530355a300c310a300806035504030c0173308201be3082013306072a8648ce3804013082012602"
    "818100e499c36affa979686a41f8349499faa9b1e597012b9f5c6caccd0a67d5d02f7a6e76cf945097527cc3"
    "bba362a72a55974d5a6aac7082077a96cccc5188943606d589e67ea2821710ec6077a381fab7a40730570617"
    "37d6f316ba517bf0eb322064c611ce2af88f14c31ba6cbfda7152b2b58d1a0d558b185ecf7570988cfb84f02"
    "1d00a46038954e8260186a0c50de978bfa2bd3940ccd79faafb90465d44902818056ea27d6c4c5346a0dbe78"
    "73727b8d12e6e4bc4e82b02c69749e7e5ce8096754c5ea61d90b72c4d4177ddf71a2c99134b9fdb8066c23f6"
    "00cc2f8cc6d6f2274a6ca1e2c771f00bf74ee6fe674443efb6013ee7d759f8476d0cf2b178781d46e45ce0ce"
    "0dc58609df9b815d61142da8db3794225d6b3c10549b4c6e8e6cf8f15a0381840002818065bd389437668b2d"
    "16bd5cd6a4190376e1e3dc9e111d94a941865b9c8ec797561014c4fcae32fd2e436161726a2148b2941428b9"
    "8132f38a9dd11272c08ac95dff10443cbe36bc171736db966946d5439a30d8211470730e72a2f1826f0bd866"
    "437777602dbc751a8778cdda005b76b34737135040ce84d81192811449922c4aa3533051301d0603551d0e04"
    "16041409c0782415f9321da8e0e8c85340ec1c7b53113c301f0603551d2304183016801409c0782415f9321d"
    "a8e0e8c85340ec1c7b53113c300f0603551d130101ff040530030101ff300b0609608648016503040302033f"
    "00303c021c19c2754d7d11d08543abee8e0f7823205c465ffba49e48ede6e08253021c4e65195d33dbacb782"
    "29cba155060c29870365110cdbc37ff68d419a";

/// The alert that goes out, as the old peer reads it.
void expect_alert(Session& session, Alert alert) {
  std::vector<u8> room(4096);
  room.resize(session.take(room));
  ASSERT_GE(room.size(), 7U);
  const std::vector<u8> last(room.end() - 7, room.end());
  EXPECT_EQ(last, (std::vector<u8>{21, 3, last[2], 0, 2, 2, to<u8>(alert)}));
}

/// What a server that has heard nothing yet says of `records`.
std::string server_refuses(std::vector<u8> records, Alert alert) {
  static const Configs configs;
  crypto::SystemRandom random;
  Session server = Session::server(configs.server, random);
  const auto fed = server.feed(records, now);
  if (fed) return "nothing";
  EXPECT_EQ(to_string(fed.error().alert), to_string(alert)) << fed.error().why;
  expect_alert(server, alert);
  return fed.error().why;
}

/// And a client that waits for a ServerHello.
std::string client_refuses(std::vector<u8> records, Alert alert) {
  static const Configs configs;
  crypto::SystemRandom random;
  Session client = Session::client(configs.client, server_name, random, {}, now);
  const auto fed = client.feed(records, now);
  if (fed) return "nothing";
  EXPECT_EQ(to_string(fed.error().alert), to_string(alert)) << fed.error().why;
  expect_alert(client, alert);
  return fed.error().why;
}

/// A ClientHello as it was before there were extensions: version, suites; each in hexadecimal.
std::vector<u8> old_hello(std::string_view version, std::string_view suites,
                          std::string_view extensions = "") {
  const std::vector<u8> list = bytes_of(suites);
  const std::vector<u8> more = bytes_of(extensions);
  std::vector<u8> body = bytes_of(version);
  body.resize(body.size() + 32, 0x51);
  body.insert(body.end(), {0, 0, to<u8>(list.size())});
  body.insert(body.end(), list.begin(), list.end());
  body.insert(body.end(), {1, 0});
  if (!more.empty()) body.insert(body.end(), {to<u8>(more.size() >> 8), to<u8>(more.size())});
  body.insert(body.end(), more.begin(), more.end());
  std::vector<u8> record = bytes_of("16");
  const std::vector<u8> of_record = bytes_of(version == "03 00" ? "03 00" : "03 01");
  record.insert(record.end(), of_record.begin(), of_record.end());
  const std::size_t size = body.size() + 4;
  record.insert(record.end(), {to<u8>(size >> 8), to<u8>(size), 1, 0, to<u8>(body.size() >> 8),
                               to<u8>(body.size())});
  record.insert(record.end(), body.begin(), body.end());
  return record;
}

/// What TLS 1.2 with us needs besides: renegotiation_info, extended_master_secret, groups.
constexpr std::string_view modern = "ff01 0001 00 0017 0000 000a 0004 0002 0017";

TEST(OldPeers, of_SSL_2_are_named) {
  // SSL 2.0's CLIENT-HELLO as OpenSSL 0.9.8 sent it: three kinds of ciphers, a challenge.
  const std::string why = server_refuses(
      bytes_of("802e 01 0002 0015 0000 0010 010080 020080 030080 040080 050080 060040 0700c0 "
               "00112233445566778899aabbccddeeff"),
      Alert::protocol_version);
  EXPECT_THAT(why, HasSubstr("SSL 2.0"));
  // The same frame around an offer of TLS 1.0 (RFC 5246 appendix E.2).
  EXPECT_THAT(server_refuses(bytes_of("802b 01 0301 0012 0000 0010 010080 00002f 000035 000005 "
                                      "000004 00000a 00112233445566778899aabbccddeeff"),
                             Alert::protocol_version),
              HasSubstr("SSL 2.0's hello, which offers TLS 1.0"));
  // And its SERVER-HELLO.
  EXPECT_THAT(client_refuses(bytes_of("801f 04 00 01 0002 0000 0003 0010 010080 "
                                      "00112233445566778899aabbccddeeff"),
                             Alert::protocol_version),
              HasSubstr("SSL 2.0"));
}

TEST(OldPeers, of_SSL_3_to_TLS_1_1_are_named) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> old{
      {{"03 00", "SSL 3.0"}, {"03 01", "TLS 1.0"}, {"03 02", "TLS 1.1"}}};
  for (const auto& [version, name] : old) {
    const std::string why =
        server_refuses(old_hello(version, "002f 0035 0005 000a"), Alert::protocol_version);
    EXPECT_THAT(why, HasSubstr("the client offers " + std::string(name)));
    EXPECT_THAT(why, HasSubstr("speaks TLS 1.2 to TLS 1.3"));
    // A ServerHello that chooses it.
    std::vector<u8> hello = bytes_of("16 0300 002a 02 000026");
    const std::vector<u8> chosen = bytes_of(version);
    hello.insert(hello.end(), chosen.begin(), chosen.end());
    hello.resize(hello.size() + 32, 0x51);
    hello.insert(hello.end(), {0, 0x00, 0x2f, 0});
    EXPECT_THAT(client_refuses(hello, Alert::protocol_version),
                HasSubstr("the server speaks " + std::string(name)));
  }
}

TEST(OldPeers, that_encrypt_or_hash_by_what_is_broken_are_told_so) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> old{
      {{"0004", "TLS_RSA_WITH_RC4_128_MD5; never taken: RC4, MD5"},
       {"c011", "TLS_ECDHE_RSA_WITH_RC4_128_SHA; never taken: RC4"},
       {"000a", "TLS_RSA_WITH_3DES_EDE_CBC_SHA; never taken: 3DES"},
       {"0009", "TLS_RSA_WITH_DES_CBC_SHA; never taken: DES"},
       {"00a2", "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256; never taken: DSA"},
       {"0006", "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5; never taken: RC2, MD5, export keys"},
       {"0018", "TLS_DH_anon_WITH_RC4_128_MD5; never taken: RC4, MD5, no certificate"}}};
  for (const auto& [suite, words] : old) {
    EXPECT_THAT(server_refuses(old_hello("03 03", suite), Alert::handshake_failure),
                HasSubstr(words));
    EXPECT_THAT(server_refuses(old_hello("03 03", suite, modern), Alert::handshake_failure),
                HasSubstr(words));
  }
  EXPECT_THAT(server_refuses(old_hello("03 03", "002f"), Alert::handshake_failure),
              Not(HasSubstr("never taken")));
  // A server that takes what was not offered.
  for (const auto& [suite, words] : old) {
    std::vector<u8> hello = bytes_of("16 0303 0035 02 000031 0303");
    hello.resize(hello.size() + 32, 0x51);
    hello.push_back(0);
    const std::vector<u8> chosen = bytes_of(suite);
    hello.insert(hello.end(), chosen.begin(), chosen.end());
    const std::vector<u8> rest = bytes_of("00 0009 ff01 0001 00 0017 0000");
    hello.insert(hello.end(), rest.begin(), rest.end());
    EXPECT_THAT(client_refuses(hello, Alert::illegal_parameter),
                HasSubstr("the server chose " + std::string(words.substr(0, words.find(';')))));
  }
}

TEST(OldPeers, that_verify_signatures_by_DSA_MD5_or_SHA_1_alone_are_told_so) {
  const std::string schemes = std::string(modern) + " 000d 0008 0006 0101 0202 0203";
  const std::string why =
      server_refuses(old_hello("03 03", "c02b c02f", schemes), Alert::handshake_failure);
  EXPECT_THAT(why, HasSubstr("rsa_pkcs1_md5, dsa_sha1, ecdsa_sha1"));
  // RFC 5246 §7.4.1.4.1: who names none takes SHA-1.
  EXPECT_THAT(server_refuses(old_hello("03 03", "c02b", modern), Alert::handshake_failure),
              HasSubstr("names no signature schemes, which means SHA-1"));
}

TEST(OldPeers, with_a_DSA_key_are_named) {
  Configs configs;
  configs.client.version_max = Version::tls_1_2;
  crypto::SystemRandom random;
  Session client = Session::client(configs.client, server_name, random, {}, now);
  std::vector<u8> records = bytes_of("16 0303 0035 02 000031 0303");
  records.resize(records.size() + 32, 0x51);
  const std::vector<u8> rest = bytes_of("00 c02b 00 0009 ff01 0001 00 0017 0000");
  records.insert(records.end(), rest.begin(), rest.end());
  const std::vector<u8> der = bytes_of(dsa_certificate);
  CertificateMessage certificate;
  certificate.storage[certificate.count++].der = der;
  const std::vector<u8> message = emit_certificate12(certificate);
  records.insert(records.end(), {22, 3, 3, to<u8>(message.size() >> 8), to<u8>(message.size())});
  records.insert(records.end(), message.begin(), message.end());
  const auto fed = client.feed(records, now);
  ASSERT_FALSE(fed.has_value());
  EXPECT_THAT(fed.error().why,
              HasSubstr("a key (DSA) that TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
}

}  // namespace
}  // namespace handfast::tls
