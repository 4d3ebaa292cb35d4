// TLS 1.2 between two of ours; tests/interop has the others.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

using crypto::Group;
using crypto::KeyType;

struct Configs12 : Configs {
  Configs12() { client.version_max = Version::tls_1_2; }
};

struct Ticketed12 : Configs12 {
  crypto::SystemRandom random;
  TicketKeys keys{{}, random, Instant(1h)};
  Ticketed12() { server.ticket_keys = &keys; }
  Ticket first() const {
    Talk talk(*this);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.tickets.size(), 1U);
    return std::move(talk.tickets.at(0));
  }
};

TEST(Handshake12, connects_and_carries_data_both_ways) {
  const Configs12 configs;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().version, Version::tls_1_2);
  EXPECT_EQ(talk.server.summary().version, Version::tls_1_2);
  EXPECT_EQ(talk.client.summary().suite->code, CipherSuite::ecdsa_aes_128_gcm_sha256);
  EXPECT_EQ(talk.client.summary().group, Group::x25519);
  EXPECT_EQ(talk.client.summary().peer_chain, configs.server.identities[0].chain());
  EXPECT_EQ(talk.pass(talk.client, "question"), "question");
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
}

TEST(Handshake12, works_with_each_suite_group_and_kind_of_key) {
  for (const auto type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ed25519, KeyType::rsa})
    for (const auto group : {Group::x25519, Group::secp256r1, Group::secp384r1})
      for (const auto code :
           {CipherSuite::ecdsa_aes_128_gcm_sha256, CipherSuite::ecdsa_aes_256_gcm_sha384,
            CipherSuite::ecdsa_chacha20_poly1305_sha256, CipherSuite::rsa_aes_128_gcm_sha256,
            CipherSuite::rsa_aes_256_gcm_sha384, CipherSuite::rsa_chacha20_poly1305_sha256}) {
        const bool is_rsa = find_suite(code)->key == SuiteKey::rsa;
        if (is_rsa != (type == KeyType::rsa) || (is_rsa && group != Group::x25519)) continue;
        SCOPED_TRACE(to_string(code) + " " + crypto::to_string(group));
        Configs12 configs;
        configs.server.identities.clear();
        configs.server.identities.push_back(self_signed(type, {"server.example"}));
        configs.client.suites = {code};
        configs.server.groups = {group};
        Talk talk(configs);
        talk.run();
        expect_connected(talk);
        EXPECT_EQ(talk.client.summary().suite->code, code);
        EXPECT_EQ(talk.client.summary().group, group);
        EXPECT_EQ(talk.pass(talk.client, "data"), "data");
      }
}

TEST(Handshake12, shows_no_certificate_on_a_curve_that_the_client_does_not_list) {
  Configs12 configs;
  configs.client.groups = {Group::x25519};
  Talk refused(configs);
  refused.run();
  expect_refused(refused.server, refused.client, Alert::handshake_failure);
  configs.server.identities.push_back(self_signed(KeyType::ed25519, {"other.example"}));
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
}

TEST(Handshake12, is_what_remains_where_either_end_speaks_no_1_3) {
  Configs configs;
  configs.server.version_max = Version::tls_1_2;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().version, Version::tls_1_2);
}

TEST(Handshake12, is_refused_where_only_1_3_is_wanted) {
  Configs12 offers;
  offers.server.version_min = Version::tls_1_3;
  Talk server_refuses(offers);
  server_refuses.run();
  expect_refused(server_refuses.server, server_refuses.client, Alert::protocol_version);
  EXPECT_NE(server_refuses.server.error()->why.find("TLS 1.2"), std::string::npos);
}

TEST(Handshake12, notices_that_somebody_took_1_3_away) {
  // What an attacker on the way would do: the client's offer of TLS 1.3 does not arrive.
  const Configs configs;
  Talk talk(configs);
  talk.move_output(talk.client);
  const std::array<u8, 4> offer{0x03, 0x04, 0x03, 0x03};
  auto at = std::ranges::search(talk.server_in, offer).begin();
  ASSERT_NE(at, talk.server_in.end());
  at[1] = 0x7f;
  talk.run();
  expect_refused(talk.client, talk.server, Alert::illegal_parameter);
  EXPECT_NE(talk.client.error()->why.find("somebody on the way"), std::string::npos);
}

TEST(Handshake12, resumes_by_a_ticket) {
  const Ticketed12 configs;
  Talk talk(configs, configs.first());
  talk.run();
  expect_connected(talk);
  EXPECT_TRUE(talk.client.summary().is_resumed && talk.server.summary().is_resumed);
  EXPECT_TRUE(talk.client.summary().peer_chain.empty());
  EXPECT_EQ(talk.pass(talk.client, "data"), "data");
  EXPECT_EQ(talk.tickets.size(), 1U);
}

TEST(Handshake12, falls_back_to_a_whole_handshake_where_the_ticket_is_of_no_use) {
  Ticketed12 configs;
  Ticket broken = configs.first();
  broken.ticket.back() ^= 1;
  Ticket other_suite = configs.first();
  Ticket without_certificate = configs.first();
  const auto resumed = [&](Ticket ticket) {
    Talk talk(configs, std::move(ticket));
    talk.run();
    expect_connected(talk);
    return talk.client.summary().is_resumed;
  };
  EXPECT_FALSE(resumed(std::move(broken)));
  configs.client.suites = {CipherSuite::ecdsa_aes_256_gcm_sha384};
  EXPECT_FALSE(resumed(std::move(other_suite)));
  configs.client.suites = Config().suites;
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  EXPECT_FALSE(resumed(std::move(without_certificate)));
}

TEST(Handshake12, with_the_wrong_secret_does_not_resume) {
  const Ticketed12 configs;
  Ticket ticket = configs.first();
  ticket.psk.room()[0] ^= 1;
  Talk talk(configs, std::move(ticket));
  talk.run();
  EXPECT_FALSE(talk.client.is_connected() || talk.server.is_connected());
}

TEST(Handshake12, a_ticket_of_one_version_is_not_used_in_the_other) {
  Ticketed12 configs;
  Ticket of_12 = configs.first();
  configs.client.version_max = Version::tls_1_3;
  Talk in_13(configs, std::move(of_12));
  in_13.run();
  expect_connected(in_13);
  EXPECT_FALSE(in_13.client.summary().is_resumed);
  configs.client.version_max = Version::tls_1_2;
  Talk in_12(configs, std::move(in_13.tickets.at(0)));
  in_12.run();
  expect_connected(in_12);
  EXPECT_FALSE(in_12.client.summary().is_resumed);
}

TEST(Handshake12, shows_and_wants_client_certificates) {
  for (const auto type : {KeyType::ec_p256, KeyType::rsa, KeyType::ed25519}) {
    Configs12 configs;
    configs.server.client_auth = ClientAuth::require;
    Talk refused(configs);
    refused.run();
    expect_refused(refused.server, refused.client, Alert::handshake_failure);
    configs.client.identities.push_back(
        self_signed(type, {"client.example"}, crypto::CertificateRole::client));
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.server.summary().peer_chain, configs.client.identities[0].chain());
  }
}

TEST(Handshake12, staples_agrees_on_protocols_and_keeps_to_record_sizes) {
  Configs12 configs;
  configs.server.identities[0].set_ocsp_response({1, 2, 3});
  configs.client.protocols = {"http/1.1"};
  configs.server.protocols = {"h2", "http/1.1"};
  configs.client.record_size_limit = 100;
  configs.server.record_size_limit = 64;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().peer_ocsp_response.size(), 3U);
  EXPECT_EQ(talk.client.summary().protocol, "http/1.1");
  EXPECT_EQ(talk.pass(talk.client, std::string(500, 'x')).size(), 500U);
  EXPECT_EQ(talk.client.summary().record_size_limit, 64);
}

TEST(Handshake12, exports_the_same_and_logs_the_same) {
  Configs12 configs;
  configs.client.key_log = configs.server.key_log = true;
  Talk talk(configs);
  talk.run();
  std::array<u8, 40> one{};
  std::array<u8, 40> other{};
  talk.client.export_keying_material("EXPORTER-test", as_bytes("context"), one);
  talk.server.export_keying_material("EXPORTER-test", as_bytes("context"), other);
  EXPECT_EQ(one, other);
  ASSERT_EQ(talk.key_log.size(), 2U);
  EXPECT_EQ(talk.key_log[0], talk.key_log[1]);
  EXPECT_TRUE(talk.key_log[0].starts_with("CLIENT_RANDOM "));
}

TEST(Handshake12, exports_another_secret_without_a_context_than_with_an_empty_one) {
  Configs12 configs;
  Talk talk(configs);
  talk.run();
  std::array<u8, 40> with{};
  std::array<u8, 40> without{};
  std::array<u8, 40> theirs{};
  talk.client.export_keying_material("EXPORTER-test", Bytes{}, with);
  talk.client.export_keying_material("EXPORTER-test", std::nullopt, without);
  talk.server.export_keying_material("EXPORTER-test", std::nullopt, theirs);
  EXPECT_NE(with, without);
  EXPECT_EQ(theirs, without);
}

TEST(Handshake12, is_not_the_first_choice_of_a_client_that_fell_back) {
  Configs12 configs;
  // Our client never sends the signal: somebody else's hello, then.
  Talk probe(configs);
  probe.move_output(probe.client);
  const auto hello =
      parse_client_hello(Bytes(probe.server_in).subspan(record_header_size + message_header_size));
  ASSERT_TRUE(hello.has_value());
  ClientHello changed = *hello;
  std::vector<u8> suites(hello->suites.raw().begin(), hello->suites.raw().end());
  suites.insert(suites.end(), {0x56, 0x00});
  changed.suites = CodeList<CipherSuite>(suites);
  configs.client.client_hellos = {emit_client_hello(changed)};
  Talk talk(configs);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::inappropriate_fallback);
}

TEST(Handshake12, needs_the_extended_master_secret) {
  const Configs12 configs;
  Talk probe(configs);
  probe.move_output(probe.client);
  const auto hello =
      parse_client_hello(Bytes(probe.server_in).subspan(record_header_size + message_header_size));
  ASSERT_TRUE(hello.has_value());
  ClientHello changed = *hello;
  changed.extended_master_secret = false;
  Configs12 without;
  without.client.client_hellos = {emit_client_hello(changed)};
  Talk talk(without);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::handshake_failure);
  EXPECT_NE(talk.server.error()->why.find("extended master secret"), std::string::npos);
}

}  // namespace
}  // namespace handfast::tls
