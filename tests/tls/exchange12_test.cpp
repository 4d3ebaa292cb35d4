// TLS 1.2's other key exchanges: in finite fields, and by a secret encrypted to the server's key.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "crypto/rsa_transport.hpp"
#include "tls/client.hpp"
#include "tls/expect.hpp"
#include "tls/key_exchange12.hpp"
#include "tls/messages12.hpp"
#include "tls/server.hpp"
#include "tls/talk.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

using crypto::Group;
using crypto::KeyType;

constexpr Instant now{1h};

/// Both ends speak TLS 1.2 with these suites alone, and the server has an RSA key.
template <class Suites>
Configs configs_for(const Suites& suites) {
  Configs configs;
  configs.client.version_max = Version::tls_1_2;
  configs.client.suites = {suites.begin(), suites.end()};
  configs.server.suites = configs.client.suites;
  static const SelfSigned rsa(KeyType::rsa, {std::string(server_name)},
                              crypto::CertificateRole::server);
  configs.server.identities.clear();
  configs.server.identities.push_back(*Identity::make({rsa.certificate}, rsa.key.clone()));
  return configs;
}

void expect_data_both_ways(Talk& talk) {
  expect_connected(talk);
  EXPECT_EQ(talk.pass(talk.client, "question"), "question");
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
}

TEST(Dhe, works_with_each_suite_and_field) {
  for (const CipherSuite suite : dhe_suites)
    for (const Group group : {Group::ffdhe2048, Group::ffdhe3072}) {
      SCOPED_TRACE(to_string(suite) + " " + crypto::to_string(group));
      Configs configs = configs_for(std::array{suite});
      configs.server.groups = {group};
      Talk talk(configs);
      talk.run();
      expect_data_both_ways(talk);
      EXPECT_EQ(talk.client.summary().suite->code, suite);
      EXPECT_EQ(talk.client.summary().group, group);
      EXPECT_EQ(talk.server.summary().group, group);
    }
}

TEST(Dhe, and_key_transport_are_neither_offered_nor_taken_unless_somebody_says_so) {
  for (const CipherSuite suite : {dhe_suites[0], rsa_transport_suites[0]}) {
    Configs offered = configs_for(std::array{suite});
    offered.server.suites = Config().suites;
    Talk not_taken(offered);
    not_taken.run();
    expect_refused(not_taken.server, not_taken.client, Alert::handshake_failure);
    EXPECT_NE(not_taken.server.error()->why.find(to_string(suite)), std::string::npos);
    Configs taken = configs_for(std::array{suite});
    taken.client.suites = Config().suites;
    Talk not_offered(taken);
    not_offered.run();
    expect_refused(not_offered.server, not_offered.client, Alert::handshake_failure);
  }
}

TEST(Dhe, shows_and_wants_client_certificates_and_staples) {
  Configs configs = configs_for(dhe_suites);
  configs.server.identities[0].set_ocsp_response({1, 2, 3});
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities = identities_of(KeyType::ec_p256);
  Talk talk(configs);
  talk.run();
  expect_data_both_ways(talk);
  EXPECT_EQ(talk.server.summary().peer_chain, configs.client.identities[0].chain());
  EXPECT_EQ(talk.client.summary().peer_ocsp_response.size(), 3U);
}

/// Handshakes whose secret would lead with a zero: one in 256, so a few hundred have one.
TEST(Dhe, strips_the_zeros_that_lead_a_secret_as_both_ends_must) {
  crypto::SystemRandom random;
  u32 stripped = 0;
  for (u32 i = 0; i < 4000 && stripped == 0; ++i) {
    const crypto::KeyExchange one(Group::ffdhe2048, random);
    const crypto::KeyExchange other(Group::ffdhe2048, random);
    const auto secret = agree12(one, other.share());
    const auto same = agree12(other, crypto::without_leading_zeros(one.share()));
    ASSERT_TRUE(secret && same);
    EXPECT_TRUE(std::ranges::equal(secret->bytes(), same->bytes()));
    EXPECT_NE(secret->bytes()[0], 0);
    if (secret->size() < share_size(Group::ffdhe2048)) ++stripped;
  }
  EXPECT_EQ(stripped, 1U);
}

TEST(Dhe, takes_shares_that_lead_with_zeros_or_lack_them) {
  crypto::SystemRandom random;
  const crypto::KeyExchange ours(Group::ffdhe2048, random);
  std::vector<u8> longer(ours.share().begin(), ours.share().end());
  longer.insert(longer.begin(), {0, 0});
  EXPECT_TRUE(agree12(ours, longer).has_value());
  EXPECT_TRUE(agree12(ours, std::array<u8, 1>{2}).has_value());
  longer[0] = 1;
  const auto refused = agree12(ours, longer);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(to_string(refused.error().alert), "illegal_parameter");
  EXPECT_FALSE(agree12(ours, std::array<u8, 1>{1}).has_value());
  EXPECT_FALSE(agree12(ours, {}).has_value());
}

/// What a client that waits for the server's parameters makes of these.
Error on_parameters(Bytes prime, Bytes generator) {
  static const Configs configs = configs_for(dhe_suites);
  crypto::SystemRandom random;
  Client client(configs.client, server_name, random, {}, now);
  Server server(configs.server, random);
  const auto first = client.poll_action();
  EXPECT_TRUE(server.on_message(std::get<SendMessage>(*first).bytes, now));
  while (auto action = server.poll_action()) {
    auto* message = std::get_if<SendMessage>(&*action);
    if (message == nullptr) continue;
    if (static_cast<HandshakeType>(message->bytes[0]) != HandshakeType::server_key_exchange) {
      EXPECT_TRUE(client.on_message(message->bytes, now).has_value());
      continue;
    }
    Writer parameters;
    parameters.vector16(prime);
    parameters.vector16(generator);
    parameters.vector16(std::array<u8, 1>{4});
    const Outcome outcome = client.on_message(
        emit_server_key_exchange(parameters.finish(), crypto::SignatureScheme::rsa_pss_rsae_sha256,
                                 {}),
        now);
    return outcome ? Error{} : outcome.error();
  }
  return {};
}

TEST(Dhe, refuses_groups_that_nobody_knows_and_those_that_can_be_broken) {
  constexpr std::array<u8, 1> two{2};
  const Bytes known = crypto::prime_of(Group::ffdhe2048);
  std::vector<u8> prime(known.begin(), known.end());
  const Error unsigned_only = on_parameters(prime, two);
  EXPECT_EQ(to_string(unsigned_only.alert), "decrypt_error") << "the group itself is good";
  prime[100] ^= 1;
  const Error unknown = on_parameters(prime, two);
  EXPECT_EQ(to_string(unknown.alert), "insufficient_security");
  EXPECT_NE(unknown.why.find("group of its own (2048 bits)"), std::string::npos) << unknown.why;
  const Error small = on_parameters(Bytes(prime).first(128), two);
  EXPECT_EQ(to_string(small.alert), "insufficient_security");
  EXPECT_NE(small.why.find("1024 bits"), std::string::npos) << small.why;
  EXPECT_EQ(to_string(on_parameters(std::array<u8, 1>{0}, two).alert), "insufficient_security");
  EXPECT_EQ(to_string(on_parameters(known, std::array<u8, 1>{5}).alert), "insufficient_security");
  std::vector<u8> led(crypto::prime_of(Group::ffdhe3072).begin(),
                      crypto::prime_of(Group::ffdhe3072).end());
  led.insert(led.begin(), 0);
  EXPECT_EQ(to_string(on_parameters(led, two).alert), "decrypt_error") << "a zero may lead it";
}

/// Ours, as a client would send it that lists these groups alone.
std::vector<u8> hello_with_groups(const Config& config, std::vector<u8> groups) {
  crypto::SystemRandom random;
  Client client(config, server_name, random, {}, now);
  const std::vector<u8> ours = std::get<SendMessage>(*client.poll_action()).bytes;
  ClientHello hello = *parse_client_hello(Bytes(ours).subspan(message_header_size));
  hello.groups = CodeList<Group>(groups);
  return emit_client_hello(hello);
}

TEST(Dhe, with_a_client_that_knows_other_fields_alone_is_insufficient_security) {
  Configs configs = configs_for(dhe_suites);
  configs.client.client_hellos = {hello_with_groups(configs.client, {0x01, 0x04})};  // ffdhe8192
  Talk talk(configs);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::insufficient_security);
  EXPECT_NE(talk.server.error()->why.find("ffdhe8192"), std::string::npos);
}

TEST(Dhe, takes_a_field_of_ours_where_the_client_names_none) {
  Configs configs = configs_for(dhe_suites);
  const std::vector<u8> hello = hello_with_groups(configs.client, {0x00, 0x17});
  crypto::SystemRandom random;
  Server server(configs.server, random);
  EXPECT_TRUE(server.on_message(hello, now).has_value());
  EXPECT_EQ(server.summary().group, Group::ffdhe2048);
}

TEST(RsaKeyTransport, connects_and_carries_data_both_ways) {
  for (const CipherSuite suite : rsa_transport_suites) {
    const Configs configs = configs_for(std::array{suite});
    Talk talk(configs);
    talk.run();
    expect_data_both_ways(talk);
    EXPECT_EQ(talk.client.summary().suite->code, suite);
    EXPECT_FALSE(talk.client.summary().group.has_value());
    EXPECT_FALSE(talk.client.summary().peer_scheme.has_value());
  }
}

TEST(RsaKeyTransport, shows_and_wants_client_certificates_and_staples) {
  for (const ClientAuth auth : {ClientAuth::none, ClientAuth::require}) {
    Configs configs = configs_for(rsa_transport_suites);
    configs.server.identities[0].set_ocsp_response({1, 2, 3});
    configs.server.client_auth = auth;
    configs.client.identities = identities_of(KeyType::ec_p256);
    Talk talk(configs);
    talk.run();
    expect_data_both_ways(talk);
    EXPECT_EQ(talk.server.summary().peer_chain.empty(), auth == ClientAuth::none);
    EXPECT_EQ(talk.client.summary().peer_ocsp_response.size(), 3U);
  }
}

TEST(RsaKeyTransport, resumes_by_a_ticket) {
  Configs configs = configs_for(rsa_transport_suites);
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  configs.server.ticket_keys = &keys;
  Talk first(configs);
  first.run();
  ASSERT_EQ(first.tickets.size(), 1U);
  Talk talk(configs, std::move(first.tickets[0]));
  talk.run();
  expect_data_both_ways(talk);
  EXPECT_TRUE(talk.server.summary().is_resumed);
}

TEST(RsaKeyTransport, needs_an_RSA_key_and_a_certificate_that_allows_it) {
  Configs elliptic = configs_for(rsa_transport_suites);
  elliptic.server.identities = identities_of(KeyType::ec_p256);
  Talk of_another_kind(elliptic);
  of_another_kind.run();
  expect_refused(of_another_kind.server, of_another_kind.client, Alert::handshake_failure);

  auto key = *crypto::PrivateKey::generate(KeyType::rsa);
  crypto::CertificateTemplate wanted;
  wanted.dns = {std::string(server_name)};
  wanted.not_after = WallTime(std::chrono::years{40});
  wanted.extensions = {{"keyUsage", "critical,digitalSignature"}};
  const std::vector<u8> der = issue(wanted, key.public_key(), nullptr, key)->der();
  Configs signs_only = configs_for(rsa_transport_suites);
  signs_only.server.identities.clear();
  signs_only.server.identities.push_back(*Identity::make({der}, std::move(key)));
  Talk talk(signs_only);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::handshake_failure);

  // A server that does not mind: its client does.
  crypto::SystemRandom random;
  Client client(signs_only.client, server_name, random, {}, now);
  ServerHello hello;
  const std::array<u8, random_size> random_bytes{};
  hello.random = random_bytes;
  hello.suite = rsa_transport_suites[0];
  hello.extended_master_secret = true;
  hello.renegotiation_info = Bytes{};
  ASSERT_TRUE(client.on_message(emit_server_hello(hello), now).has_value());
  CertificateMessage certificate;
  certificate.storage[certificate.count++].der = der;
  const Outcome outcome = client.on_message(emit_certificate12(certificate), now);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(to_string(outcome.error().alert), "illegal_parameter");
  EXPECT_NE(outcome.error().why.find("keyEncipherment"), std::string::npos);
}

/// What a client hears that sends this encrypted secret, or this block as if it were one, and then
/// what decrypts by no key.
std::string answer_to(const std::vector<u8>& block_or_secret, bool is_block) {
  const Configs configs = configs_for(rsa_transport_suites);
  Talk talk(configs);
  talk.move_output(talk.client);
  talk.drain(talk.server);
  std::vector<u8> content = block_or_secret;
  if (!is_block) {
    crypto::SystemRandom random;
    content = encrypt_pre_master(configs.server.identities[0].key()->public_key(),
                                 crypto::PreMaster(block_or_secret), random);
  }
  const std::vector<u8> message = emit_client_key_exchange(content, Exchange::rsa);
  std::vector<u8> records(record_header_size);
  emit_record_header({ContentType::handshake, Version::tls_1_2, to<u16>(message.size())}, records);
  records.insert(records.end(), message.begin(), message.end());
  records.insert(records.end(), {20, 3, 3, 0, 1, 1});  // ChangeCipherSpec
  records.insert(records.end(), {22, 3, 3, 0, 40});    // and a Finished that nobody sealed
  records.resize(records.size() + 40, 0x5a);
  talk.server_in = records;
  talk.drain(talk.server);
  EXPECT_FALSE(talk.server.is_connected());
  if (!talk.server.error()) return "nothing";
  return to_string(talk.server.error()->alert) + ": " + talk.server.error()->why;
}

TEST(RsaKeyTransport, tells_nobody_whether_a_secret_was_padded_well_or_had_the_right_version) {
  std::vector<u8> good(crypto::pre_master_size, 7);
  store_be16(good.data(), 0x0303);
  std::vector<u8> other_version = good;
  other_version[1] = 2;
  const std::string usual = answer_to(good, false);
  EXPECT_TRUE(usual.starts_with("bad_record_mac")) << usual;
  EXPECT_EQ(answer_to(other_version, false), usual);
  EXPECT_EQ(answer_to(std::vector<u8>(256, 0x11), true), usual) << "padded badly";
  EXPECT_EQ(answer_to(std::vector<u8>(256, 0xff), true), usual) << "beyond the modulus";
  EXPECT_EQ(answer_to(std::vector<u8>(17, 0x11), true), usual) << "too short";
  EXPECT_EQ(answer_to(std::vector<u8>(300, 0x11), true), usual) << "too long";
}

TEST(RsaKeyTransport, puts_the_version_that_the_client_offered_into_the_secret) {
  Configs configs = configs_for(rsa_transport_suites);
  crypto::SystemRandom random;
  Client client(configs.client, server_name, random, {}, now);
  std::vector<u8> hello = std::get<SendMessage>(*client.poll_action()).bytes;
  hello[message_header_size + 1] = 4;  // more than the server speaks, in the old field
  configs.client.client_hellos = {hello};
  Talk talk(configs);
  talk.run();
  expect_data_both_ways(talk);
}

}  // namespace
}  // namespace handfast::tls
