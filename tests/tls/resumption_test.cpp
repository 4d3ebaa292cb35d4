#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/psk_ke.hpp"
#include "tls/talk.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {
namespace {

/// Configurations whose server gives tickets.
struct Ticketed : Configs {
  crypto::SystemRandom random;
  TicketKeys keys;
  explicit Ticketed(Duration lifetime = 2h) : keys({.lifetime = lifetime}, random, Instant(1h)) {
    server.ticket_keys = &keys;
  }
  Ticket first(std::string_view name = server_name) const {
    Talk talk(*this, {}, name);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.tickets.size(), server.tickets_per_session);
    return std::move(talk.tickets.at(0));
  }
};

TEST(Resumption, needs_no_certificate_and_exchanges_keys_anew) {
  const Ticketed configs;
  Talk talk(configs, configs.first());
  talk.run();
  expect_connected(talk);
  EXPECT_TRUE(talk.client.summary().is_resumed && talk.server.summary().is_resumed);
  EXPECT_EQ(talk.client.summary().group, crypto::Group::x25519);
  EXPECT_TRUE(talk.client.summary().peer_chain.empty());
  EXPECT_EQ(talk.pass(talk.client, "data"), "data");
  EXPECT_EQ(talk.tickets.size(), 2U) << "and a resumed session can be resumed";
}

TEST(Resumption, works_through_a_hello_retry_request) {
  Ticketed configs;
  Ticket ticket = configs.first();
  configs.client.groups = {crypto::Group::x25519, crypto::Group::secp256r1};
  configs.server.groups = {crypto::Group::secp256r1};
  Talk talk(configs, std::move(ticket));
  talk.run();
  expect_connected(talk);
  EXPECT_TRUE(talk.client.summary().is_resumed && talk.client.summary().is_retried);
}

TEST(Resumption, without_a_key_exchange_only_where_both_allow_it) {
  Ticketed configs;
  configs.client.psk_without_key_exchange = true;
  Ticket for_dhe = configs.first();
  Ticket for_ke = configs.first();
  Talk refused(configs, std::move(for_dhe));
  refused.run();
  expect_connected(refused);
  EXPECT_TRUE(refused.client.summary().group.has_value());

  configs.server.psk_without_key_exchange = true;
  // The client offers both modes, and the server prefers the one that keeps secrets forward.
  Talk both(configs, std::move(for_ke));
  both.run();
  expect_connected(both);
  EXPECT_TRUE(both.client.summary().group.has_value());
}

TEST(Resumption, without_a_key_exchange_or_not_at_all) {
  for (const bool shares : {false, true}) {
    Ticketed configs;
    configs.client.psk_without_key_exchange = true;
    const Ticket ticket = configs.first();
    configs.client.client_hellos = {hello_by_psk_ke(configs.client, ticket, Instant(1h), shares)};
    Talk unwanted(configs, copy(ticket));
    unwanted.run();
    if (shares) {
      // It begins anew; only, the share in that hello is not this client's.
      EXPECT_FALSE(unwanted.server.summary().is_resumed);
      EXPECT_TRUE(unwanted.server.summary().group.has_value());
    } else {
      expect_refused(unwanted.server, unwanted.client, Alert::missing_extension);
    }
    configs.server.psk_without_key_exchange = true;
    Talk talk(configs, copy(ticket));
    talk.run();
    expect_connected(talk);
    EXPECT_TRUE(talk.client.summary().is_resumed && talk.server.summary().is_resumed);
    EXPECT_FALSE(talk.client.summary().group.has_value());
    EXPECT_FALSE(talk.server.summary().group.has_value());
    EXPECT_EQ(talk.pass(talk.client, "data"), "data");
    EXPECT_EQ(talk.pass(talk.server, "data"), "data");
    EXPECT_EQ(talk.tickets.size(), 2U);
  }
}

TEST(Resumption, without_a_key_exchange_is_not_taken_by_a_client_that_does_not_want_it) {
  Ticketed configs;
  const Ticket ticket = configs.first();
  configs.client.client_hellos = {hello_by_psk_ke(configs.client, ticket, Instant(1h), true)};
  configs.server.psk_without_key_exchange = true;
  Talk talk(configs, copy(ticket));
  talk.run();
  expect_refused(talk.client, talk.server, Alert::missing_extension);
}

TEST(Resumption, by_a_ticket_for_another_name_is_not_offered) {
  const Ticketed configs;
  Talk talk(configs, configs.first(), "other.example");
  talk.run();
  expect_connected(talk);
  EXPECT_FALSE(talk.client.summary().is_resumed);
}

TEST(Resumption, by_a_ticket_that_was_changed_falls_back_to_a_whole_handshake) {
  const Ticketed configs;
  Ticket ticket = configs.first();
  ticket.ticket.back() ^= 1;
  Talk talk(configs, std::move(ticket));
  talk.run();
  expect_connected(talk);
  EXPECT_FALSE(talk.client.summary().is_resumed);
}

TEST(Resumption, with_the_wrong_secret_is_refused) {
  const Ticketed configs;
  Ticket ticket = configs.first();
  ticket.psk.room()[0] ^= 1;
  Talk talk(configs, std::move(ticket));
  talk.run();
  expect_refused(talk.server, talk.client, Alert::decrypt_error);
}

TEST(Resumption, needs_a_suite_with_the_same_hash) {
  Ticketed configs;
  configs.client.suites = {CipherSuite::aes_128_gcm_sha256};
  Ticket ticket = configs.first();
  Ticket same = configs.first();
  configs.client.suites = {CipherSuite::chacha20_poly1305_sha256};
  Talk chacha(configs, std::move(same));
  chacha.run();
  EXPECT_TRUE(chacha.client.summary().is_resumed);
  configs.client.suites = {CipherSuite::aes_256_gcm_sha384};
  Talk talk(configs, std::move(ticket));
  talk.run();
  expect_connected(talk);
  EXPECT_FALSE(talk.client.summary().is_resumed);
}

TEST(Resumption, remembers_who_the_client_was) {
  Ticketed configs;
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(crypto::KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  Talk talk(configs, configs.first());
  talk.run();
  expect_connected(talk);
  EXPECT_TRUE(talk.server.summary().is_resumed);
  EXPECT_EQ(talk.server.summary().peer_chain, configs.client.identities[0].chain());
}

TEST(Resumption, does_not_stand_in_for_a_certificate_that_was_never_shown) {
  Ticketed configs;
  Ticket ticket = configs.first();
  configs.server.client_auth = ClientAuth::require;
  Talk talk(configs, std::move(ticket));
  talk.run();
  expect_refused(talk.server, talk.client, Alert::certificate_required);
}

TEST(Resumption, ends_with_the_tickets_lifetime) {
  const Ticketed configs(10min);
  Talk late(configs, configs.first(), server_name, Instant(1h + 11min));
  late.run();
  expect_connected(late);
  EXPECT_FALSE(late.client.summary().is_resumed);
  Talk early(configs, configs.first(), server_name, Instant(1h + 9min));
  early.run();
  EXPECT_TRUE(early.client.summary().is_resumed);
}

SessionState state_at(Instant issued) {
  SessionState state;
  state.suite = CipherSuite::aes_128_gcm_sha256;
  state.psk = crypto::Secret(as_bytes("secret"));
  state.issued = issued;
  state.age_add = 7;
  state.server_name = "server.example";
  state.protocol = "h2";
  state.peer_chain = {{1, 2}, {3}};
  return state;
}

TEST(TicketKeys, open_what_they_sealed) {
  crypto::SystemRandom random;
  TicketKeys keys({}, random, Instant(0h));
  const auto state = keys.open(keys.seal(state_at(Instant(1h)), Instant(1h)), Instant(1h));
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(as_text(state->psk.bytes()), "secret");
  EXPECT_EQ(state->issued, Instant(1h));
  EXPECT_EQ(state->age_add, 7U);
  EXPECT_EQ(state->server_name, "server.example");
  EXPECT_EQ(state->protocol, "h2");
  EXPECT_EQ(state->peer_chain, (std::vector<std::vector<u8>>{{1, 2}, {3}}));
}

TEST(TicketKeys, refuse_every_change) {
  crypto::SystemRandom random;
  TicketKeys keys({}, random, Instant(0h));
  const std::vector<u8> ticket = keys.seal(state_at(Instant(1h)), Instant(1h));
  for (std::size_t i = 0; i < ticket.size(); ++i) {
    std::vector<u8> changed = ticket;
    changed[i] ^= 0x10;
    EXPECT_FALSE(keys.open(changed, Instant(1h)).has_value()) << i;
    EXPECT_FALSE(keys.open(Bytes(ticket).first(i), Instant(1h)).has_value()) << i;
  }
}

TEST(TicketKeys, change_with_time_and_outlive_their_tickets) {
  crypto::SystemRandom random;
  TicketKeys keys({.lifetime = 1h}, random, Instant(0h));
  const std::vector<u8> first = keys.seal(state_at(Instant(30min)), Instant(30min));
  const std::vector<u8> second = keys.seal(state_at(Instant(70min)), Instant(70min));
  EXPECT_FALSE(std::equal(first.begin(), first.begin() + 8, second.begin())) << "the same key";
  EXPECT_TRUE(keys.open(first, Instant(80min)).has_value());
  EXPECT_FALSE(keys.open(first, Instant(90min)).has_value()) << "too old";
  EXPECT_FALSE(keys.open(second, Instant(60min)).has_value()) << "from the future";
}

TEST(TicketKeys, give_none_that_is_too_long) {
  crypto::SystemRandom random;
  TicketKeys keys({.ticket_bytes_max = 100}, random, Instant(0h));
  SessionState state = state_at(Instant(1h));
  state.peer_chain = {std::vector<u8>(100)};
  EXPECT_TRUE(keys.seal(state, Instant(1h)).empty());
}

}  // namespace
}  // namespace handfast::tls
