#include "tls/handshake.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

using crypto::Group;
using crypto::KeyType;

TEST(Handshake, connects_and_carries_data_both_ways) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.pass(talk.client, "question"), "question");
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
  const Summary& summary = talk.client.summary();
  EXPECT_EQ(summary.version, Version::tls_1_3);
  EXPECT_EQ(summary.suite->code, CipherSuite::aes_128_gcm_sha256);
  EXPECT_EQ(summary.group, Group::x25519);
  EXPECT_EQ(summary.peer_scheme, crypto::SignatureScheme::ecdsa_secp256r1_sha256);
  EXPECT_EQ(summary.peer_chain, configs.server.identities[0].chain());
  EXPECT_EQ(talk.server.summary().server_name, server_name);
  EXPECT_FALSE(summary.is_resumed || summary.is_retried);
}

TEST(Handshake, works_with_each_suite_and_group) {
  for (const auto suite : {CipherSuite::aes_128_gcm_sha256, CipherSuite::aes_256_gcm_sha384,
                           CipherSuite::chacha20_poly1305_sha256})
    for (const auto group :
         {Group::x25519, Group::secp256r1, Group::secp384r1, Group::ffdhe2048, Group::ffdhe3072}) {
      SCOPED_TRACE(to_string(suite) + " " + crypto::to_string(group));
      Configs configs;
      configs.client.suites = {suite};
      configs.client.groups = {group};
      Talk talk(configs);
      talk.run();
      expect_connected(talk);
      EXPECT_EQ(talk.pass(talk.client, "data"), "data");
      EXPECT_EQ(talk.server.summary().suite->code, suite);
      EXPECT_EQ(talk.server.summary().group, group);
    }
}

TEST(Handshake, works_with_each_kind_of_key) {
  for (const auto type : {KeyType::rsa, KeyType::rsa_pss, KeyType::ec_p256, KeyType::ec_p384,
                          KeyType::ec_p521, KeyType::ed25519}) {
    SCOPED_TRACE(crypto::to_string(type));
    Configs configs;
    configs.server.identities.clear();
    configs.server.identities.push_back(self_signed(type, {"server.example"}));
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
  }
}

TEST(Handshake, asks_again_where_the_share_is_of_another_group) {
  for (const bool compatible : {true, false}) {
    Configs configs;
    configs.client.groups = {Group::x25519, Group::secp384r1};
    configs.client.middlebox_compatibility = compatible;
    configs.server.groups = {Group::secp256r1, Group::secp384r1};
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
    EXPECT_TRUE(talk.client.summary().is_retried && talk.server.summary().is_retried);
    EXPECT_EQ(talk.client.summary().group, Group::secp384r1);
    EXPECT_EQ(talk.pass(talk.client, "data"), "data");
  }
}

TEST(Handshake, works_without_compatibility_and_without_grease) {
  Configs configs;
  configs.client.middlebox_compatibility = false;
  configs.client.grease = false;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
}

TEST(Handshake, agrees_on_a_protocol_by_the_servers_order) {
  Configs configs;
  configs.client.protocols = {"http/1.1", "h2"};
  configs.server.protocols = {"h3", "h2", "http/1.1"};
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().protocol, "h2");
  EXPECT_EQ(talk.server.summary().protocol, "h2");
}

TEST(Handshake, refuses_to_speak_another_protocol_than_those_offered) {
  Configs configs;
  configs.client.protocols = {"http/1.1"};
  configs.server.protocols = {"h2"};
  Talk talk(configs);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::no_application_protocol);
  EXPECT_NE(talk.server.error()->why.find("http/1.1"), std::string::npos);
}

TEST(Handshake, chooses_the_certificate_by_name_and_by_what_the_client_can_verify) {
  Configs configs;
  configs.server.identities.push_back(self_signed(KeyType::ec_p256, {"*.other.example"}));
  configs.server.identities.push_back(self_signed(KeyType::ed25519, {"www.other.example"}));
  const auto chosen = [&](std::string_view name) {
    Talk talk(configs, {}, name);
    talk.run();
    const auto& chain = talk.client.summary().peer_chain;
    for (u32 i = 0; i < configs.server.identities.size(); ++i)
      if (configs.server.identities[i].chain() == chain) return to<int>(i);
    return -1;
  };
  EXPECT_EQ(chosen("www.other.example"), 1);
  EXPECT_EQ(chosen("nobody.example"), 0) << "the first stands in for unknown names";
  configs.client.schemes = {crypto::SignatureScheme::ed25519};
  EXPECT_EQ(chosen("www.other.example"), 2);
  EXPECT_EQ(chosen(server_name), 2) << "another name is better than none";

  configs.client.schemes = {crypto::SignatureScheme::rsa_pss_rsae_sha256};
  Talk none(configs);
  none.run();
  expect_refused(none.server, none.client, Alert::handshake_failure);
  EXPECT_NE(none.server.error()->why.find("rsa_pss_rsae_sha256"), std::string::npos);
}

TEST(Handshake, sends_no_address_as_a_server_name) {
  const Configs configs;
  for (const std::string_view name : {"192.0.2.1", "2001:db8::1", ""}) {
    Talk talk(configs, {}, name);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.server.summary().server_name, "");
  }
}

TEST(Handshake, staples_what_was_asked_for) {
  for (const bool asked : {true, false}) {
    Configs configs;
    configs.client.ask_for_ocsp = asked;
    configs.server.identities[0].set_ocsp_response({1, 2, 3});
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.client.summary().peer_ocsp_response.size(), asked ? 3U : 0U);
  }
}

TEST(Handshake, finds_no_suite_or_group_in_common_and_says_what_was_offered) {
  Configs configs;
  configs.client.suites = {CipherSuite::chacha20_poly1305_sha256};
  configs.server.suites = {CipherSuite::aes_256_gcm_sha384};
  Talk suites(configs);
  suites.run();
  expect_refused(suites.server, suites.client, Alert::handshake_failure);
  EXPECT_NE(suites.server.error()->why.find("TLS_CHACHA20_POLY1305_SHA256"), std::string::npos);

  Configs others;
  others.client.groups = {Group::x25519};
  others.server.groups = {Group::secp256r1};
  Talk groups(others);
  groups.run();
  expect_refused(groups.server, groups.client, Alert::handshake_failure);
  EXPECT_NE(groups.server.error()->why.find("x25519"), std::string::npos);
}

TEST(Handshake, ends_where_the_certificate_is_not_accepted) {
  const Configs configs;
  Talk talk(configs);
  talk.verdict = failure(Error{Alert::unknown_ca, "nobody knows this CA"});
  talk.run();
  expect_refused(talk.client, talk.server, Alert::unknown_ca);
  EXPECT_EQ(talk.client.error()->why, "nobody knows this CA");
}

TEST(Handshake, waits_for_a_verdict_and_takes_nothing_before_it) {
  const Configs configs;
  Talk talk(configs);
  talk.verdicts_wait = true;
  talk.run();
  EXPECT_TRUE(talk.client.is_waiting());
  EXPECT_FALSE(talk.server.is_connected());
  EXPECT_TRUE(talk.client.on_verdict({}, Instant(1h)).has_value());
  EXPECT_TRUE(talk.client.is_connected());
  talk.run();
  EXPECT_TRUE(talk.server.is_connected());
}

TEST(Handshake, signs_with_a_key_that_somebody_else_has) {
  const SelfSigned made(KeyType::ec_p256, {"server.example"}, crypto::CertificateRole::server);
  for (const bool answers : {true, false}) {
    Configs configs;
    configs.server.identities.clear();
    configs.server.identities.push_back(*Identity::make({made.certificate}, std::nullopt));
    Talk talk(configs);
    talk.move_output(talk.client);
    ASSERT_TRUE(talk.server.feed(talk.server_in, Instant(1h)).has_value());
    talk.server_in.clear();
    EXPECT_TRUE(talk.server.is_waiting());
    auto event = talk.server.poll_event();
    ASSERT_TRUE(event && std::holds_alternative<NeedSignature>(*event));
    const auto& request = std::get<NeedSignature>(*event);
    EXPECT_EQ(request.identity, configs.server.identities.data());
    std::vector<u8> signature(made.key.signature_size_max());
    signature.resize(*made.key.sign(request.scheme, request.content, signature));
    if (!answers) signature.clear();
    EXPECT_EQ(talk.server.on_signature(signature, Instant(1h)).has_value(), answers);
    talk.run();
    if (answers)
      expect_connected(talk);
    else
      expect_refused(talk.server, talk.client, Alert::internal_error);
  }
}

TEST(ClientCertificate, is_shown_verified_and_told) {
  Configs configs;
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(KeyType::ed25519, {"client.example"}, crypto::CertificateRole::client));
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.server.summary().peer_chain, configs.client.identities[0].chain());
  EXPECT_EQ(talk.server.summary().peer_scheme, crypto::SignatureScheme::ed25519);
}

TEST(ClientCertificate, may_be_missing_only_where_it_is_not_required) {
  Configs configs;
  configs.server.client_auth = ClientAuth::request;
  Talk requested(configs);
  requested.run();
  expect_connected(requested);
  EXPECT_TRUE(requested.server.summary().peer_chain.empty());

  configs.server.client_auth = ClientAuth::require;
  Talk required(configs);
  required.run();
  expect_refused(required.server, required.client, Alert::certificate_required);
}

TEST(ClientCertificate, that_the_server_does_not_accept_ends_the_connection) {
  Configs configs;
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  Talk talk(configs);
  talk.verdicts_wait = true;
  talk.run();
  ASSERT_TRUE(talk.client.on_verdict({}, Instant(1h)).has_value());
  talk.run();
  ASSERT_TRUE(talk.server.is_waiting());
  (void)talk.server.on_verdict(failure(Error{Alert::bad_certificate, "no"}), Instant(1h));
  talk.run();
  expect_refused(talk.server, talk.client, Alert::bad_certificate);
}

TEST(KeyLog, has_the_same_lines_on_both_ends) {
  Configs configs;
  configs.client.key_log = true;
  configs.server.key_log = true;
  Talk talk(configs);
  talk.run();
  ASSERT_EQ(talk.key_log.size(), 10U);
  std::ranges::sort(talk.key_log);
  for (u32 i = 0; i < talk.key_log.size(); i += 2) EXPECT_EQ(talk.key_log[i], talk.key_log[i + 1]);
  EXPECT_TRUE(talk.key_log[0].starts_with("CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
}

TEST(Exporter, gives_both_ends_the_same_by_label_and_context) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  std::array<u8, 40> one{};
  std::array<u8, 40> other{};
  talk.client.export_keying_material("EXPORTER-test", as_bytes("context"), one);
  talk.server.export_keying_material("EXPORTER-test", as_bytes("context"), other);
  EXPECT_EQ(one, other);
  talk.server.export_keying_material("EXPORTER-test", as_bytes("else"), other);
  EXPECT_NE(one, other);
}

TEST(KeyShares, go_out_for_as_many_groups_as_are_wanted) {
  Configs configs;
  configs.client.groups = {crypto::Group::x25519, crypto::Group::secp256r1,
                           crypto::Group::secp384r1};
  configs.server.groups = {crypto::Group::secp256r1};
  for (const u32 shares : {1U, 2U}) {
    configs.client.key_shares = shares;
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.client.summary().group, crypto::Group::secp256r1);
    EXPECT_EQ(talk.client.summary().is_retried, shares == 1);
  }
}

TEST(KeyShares, are_of_X25519MLKEM768_where_both_ends_have_it) {
  const bool has_ml_kem = crypto::is_known(crypto::Group::x25519_mlkem768);
  const Configs configs;
  ASSERT_EQ(configs.client.groups.front(), crypto::Group::x25519_mlkem768);
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().group,
            has_ml_kem ? crypto::Group::x25519_mlkem768 : crypto::Group::x25519);
  EXPECT_FALSE(talk.client.summary().is_retried);

  Configs older;
  older.server.groups = {crypto::Group::x25519};
  Talk with_older(older);
  with_older.run();
  expect_connected(with_older);
  EXPECT_FALSE(with_older.client.summary().is_retried) << "a share of X25519 goes along";
}

}  // namespace
}  // namespace handfast::tls
