// What a peer may not do, and what it may though few do: found by BoringSSL's tests.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/session.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant now{1h};
constexpr std::size_t hello_at = record_header_size + message_header_size;

Configs old_configs() {
  Configs configs;
  configs.client.version_max = configs.server.version_max = Version::tls_1_2;
  return configs;
}

/// The ClientHello that a client of `configs` sends first; points into `talk`.
ClientHello first_hello(Talk& talk) {
  talk.move_output(talk.client);
  return *parse_client_hello(Bytes(talk.server_in).subspan(hello_at));
}

std::vector<u8> record(ContentType type, Bytes content, Version version = Version::tls_1_2) {
  std::vector<u8> bytes(record_header_size);
  emit_record_header({type, version, to<u16>(content.size())}, bytes);
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

constexpr u8 unrecognized_name = 112;

TEST(Strictness, an_alert_is_a_warning_or_fatal) {
  const Configs configs;
  Talk talk(configs);
  talk.client_in = record(ContentType::alert, std::array<u8, 2>{0x42, unrecognized_name});
  talk.run();
  expect_refused(talk.client, talk.server, Alert::illegal_parameter);
}

TEST(Strictness, a_server_may_warn_of_an_unknown_name_before_its_hello) {
  const Configs configs = old_configs();
  Talk talk(configs);
  talk.client_in = record(ContentType::alert, std::array<u8, 2>{1, unrecognized_name});
  talk.run();
  expect_connected(talk);
}

TEST(Strictness, but_no_client_before_its_own) {
  const Configs configs;
  Talk talk(configs);
  talk.server_in = record(ContentType::alert, std::array<u8, 2>{1, unrecognized_name});
  talk.run();
  ASSERT_TRUE(talk.server.error().has_value());
  EXPECT_TRUE(talk.server.error()->from_peer);
}

TEST(Strictness, a_protected_record_has_the_version_of_TLS_1_2) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  std::vector<u8> room(100);
  const auto sealed = talk.client.seal(as_bytes("text"), room);
  talk.server_in.assign(room.begin(), room.begin() + sealed.written);
  talk.server_in[1] = 3;
  talk.server_in[2] = 2;
  talk.run();
  expect_refused(talk.server, talk.client, Alert::protocol_version);
}

TEST(Strictness, a_client_of_TLS_1_2_alone_does_not_look_like_one_that_resumes) {
  const Configs old = old_configs();
  Talk talk(old);
  EXPECT_TRUE(first_hello(talk).session_id.empty());
  const Configs both;
  Talk other(both);
  EXPECT_EQ(first_hello(other).session_id.size(), session_id_size_max);
}

TEST(Strictness, a_ticket_of_TLS_1_2_resumes_without_a_session_ID) {
  Configs configs = old_configs();
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  configs.server.ticket_keys = &keys;
  Talk first(configs);
  first.run();
  ASSERT_FALSE(first.tickets.empty());
  Talk second(configs, std::move(first.tickets[0]));
  ClientHello hello = first_hello(second);
  hello.session_id = {};
  const std::vector<u8> message = emit_client_hello(hello);
  Session server = Session::server(configs.server, random);
  std::vector<u8> bytes = record(ContentType::handshake, message);
  ASSERT_TRUE(server.feed(bytes, now).has_value());
  EXPECT_TRUE(server.summary().is_resumed);
}

/// A ServerHello of TLS 1.2 with one more extension, as a client reads it.
Result<ServerHello, Error> with_extension(std::initializer_list<u8> extension) {
  ServerHello hello;
  const std::array<u8, random_size> random{};
  hello.random = random;
  hello.suite = CipherSuite::ecdsa_aes_128_gcm_sha256;
  hello.extended_master_secret = true;
  std::vector<u8> message = emit_server_hello(hello);
  constexpr std::size_t list_at = message_header_size + 2 + random_size + 1 + 2 + 1;
  message[list_at + 1] = to<u8>(message[list_at + 1] + extension.size());
  message.insert(message.end(), extension);
  auto parsed = parse_server_hello(Bytes(message).subspan(message_header_size));
  if (parsed) parsed->random = parsed->session_id = {};  // they point into the message
  return parsed;
}

TEST(Strictness, a_server_of_TLS_1_2_may_list_its_groups) {
  const auto hello = with_extension({0, 10, 0, 4, 0, 2, 0, 29});
  ASSERT_TRUE(hello.has_value());
  EXPECT_FALSE(hello->stray.has_value());
  const auto other = with_extension({0, 99, 0, 0});
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->stray, static_cast<ExtensionType>(99));
}

TEST(Strictness, a_key_whose_certificate_does_not_let_it_sign_does_not_sign) {
  for (const Version version : {Version::tls_1_2, Version::tls_1_3}) {
    for (const bool is_allowed : {true, false}) {
      Configs configs;
      configs.server.version_max = version;
      const auto key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
      crypto::CertificateTemplate wanted;
      wanted.dns = {std::string(server_name)};
      wanted.not_after = WallTime(std::chrono::years{40});
      wanted.extensions = {{"keyUsage", is_allowed ? "digitalSignature" : "keyEncipherment"}};
      const auto certificate = issue(wanted, key.public_key(), nullptr, key);
      ASSERT_TRUE(certificate.has_value()) << certificate.error().why;
      configs.server.identities.clear();
      configs.server.identities.push_back(*Identity::make({certificate->der()}, key.clone()));
      Talk talk(configs);
      talk.run();
      if (is_allowed)
        expect_connected(talk);
      else
        expect_refused(talk.client, talk.server, Alert::unsupported_certificate);
    }
  }
}

TEST(Strictness, in_TLS_1_2_the_groups_of_a_client_are_the_curves_of_certificates_too) {
  const auto curve = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
  const auto other = *crypto::PrivateKey::generate(crypto::KeyType::ed25519);
  const std::array<u8, 2> p384{0x00, 0x18};
  const std::array<u8, 4> both{0x00, 0x18, 0x00, 0x17};
  EXPECT_FALSE(is_within(curve.public_key(), CodeList<crypto::Group>(p384)));
  EXPECT_TRUE(is_within(curve.public_key(), CodeList<crypto::Group>(both)));
  EXPECT_TRUE(is_within(other.public_key(), CodeList<crypto::Group>(p384)));
}

TEST(Strictness, no_message_comes_before_the_one_that_it_answers) {
  for (const Version version : {Version::tls_1_2, Version::tls_1_3}) {
    Configs configs;
    configs.client.version_max = version;
    if (version == Version::tls_1_3) configs.server.groups = {crypto::Group::secp384r1};  // a retry
    Talk talk(configs);
    (void)first_hello(talk);
    std::vector<u8> bytes(talk.server_in.begin() + record_header_size, talk.server_in.end());
    bytes.push_back(to<u8>(HandshakeType::client_hello));
    talk.server_in = record(ContentType::handshake, bytes);
    talk.run();
    expect_refused(talk.server, talk.client, Alert::unexpected_message);
  }
}

TEST(Strictness, many_requests_for_new_keys_are_answered_once_and_before_data) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  for (u32 i = 0; i < 3; ++i) talk.client.update_keys(true);
  talk.move_output(talk.client);
  talk.drain(talk.server);
  EXPECT_FALSE(talk.server.has_output());
  std::vector<u8> room(100);
  EXPECT_EQ(talk.server.seal(as_bytes("text"), room).taken, 0U);  // first the new key
  talk.move_output(talk.server);
  constexpr std::size_t key_update = message_header_size + 1;
  EXPECT_EQ(talk.client_in.size(), record_header_size + key_update + 1 + crypto::aead_tag_size);
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
  EXPECT_EQ(talk.pass(talk.client, "after"), "after");
}

TEST(Strictness, a_retry_does_not_take_the_PSK_away) {
  Configs configs;
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  configs.server.ticket_keys = &keys;
  Talk first(configs);
  first.run();
  ASSERT_FALSE(first.tickets.empty());
  configs.server.groups = {crypto::Group::secp384r1};
  Talk probe(configs, std::move(first.tickets[0]));
  const ClientHello hello = first_hello(probe);
  ClientHello without = hello;
  without.psk_identities.reset();
  without.psk_binders.reset();
  const crypto::KeyExchange exchange(crypto::Group::secp384r1, random);
  std::vector<u8> share{0x00, 0x18, 0, to<u8>(exchange.share().size())};
  share.insert(share.end(), exchange.share().begin(), exchange.share().end());
  without.key_shares = share;
  configs.client.client_hellos = {
      {probe.server_in.begin() + record_header_size, probe.server_in.end()},
      emit_client_hello(without)};
  Talk talk(configs);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::illegal_parameter);
}

TEST(Strictness, an_identity_signs_by_the_schemes_that_it_is_told_to) {
  using enum crypto::SignatureScheme;
  Configs configs;
  configs.server.identities.clear();
  configs.server.identities.push_back(
      self_signed(crypto::KeyType::rsa, {std::string(server_name)}));
  configs.server.identities[0].set_schemes({ed25519, rsa_pss_rsae_sha512, rsa_pss_rsae_sha256});
  Talk talk(configs);
  talk.run();
  EXPECT_EQ(talk.client.summary().peer_scheme, rsa_pss_rsae_sha512);
  configs.server.identities[0].set_schemes({ed25519});
  Talk other(configs);
  other.run();
  expect_refused(other.server, other.client, Alert::handshake_failure);
}

TEST(Strictness, an_RSA_key_that_is_too_small_for_a_scheme_does_not_sign_by_it) {
  using enum crypto::SignatureScheme;
  const auto key = *crypto::PrivateKey::generate(crypto::KeyType::rsa, 1024);
  EXPECT_FALSE(key.public_key().has_room_for(rsa_pss_rsae_sha512));
  EXPECT_TRUE(key.public_key().has_room_for(rsa_pss_rsae_sha384));
  EXPECT_TRUE(key.public_key().has_room_for(rsa_pkcs1_sha512));
}

TEST(Strictness, warnings_come_to_an_end) {
  for (const u8 alert : {unrecognized_name, to<u8>(Alert::user_canceled)}) {
    const Configs configs = old_configs();
    Talk talk(configs);
    for (u32 i = 0; i <= configs.client.warnings_max; ++i) {
      const auto one = record(ContentType::alert, std::array<u8, 2>{1, alert});
      talk.client_in.insert(talk.client_in.end(), one.begin(), one.end());
    }
    talk.run();
    expect_refused(talk.client, talk.server, Alert::unexpected_message);
  }
}

}  // namespace
}  // namespace handfast::tls
