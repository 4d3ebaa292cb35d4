// TLS 1.2: sessions that go on by their IDs, where one end takes no tickets.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/session_store.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

SessionId id_of(u8 first) {
  SessionId id{};
  id[0] = first;
  return id;
}
SessionState state_of(Instant issued, std::size_t chain_bytes = 0) {
  SessionState state;
  state.issued = issued;
  state.peer_chain.emplace_back(chain_bytes);
  return state;
}

TEST(SessionStore, finds_a_session_until_it_is_too_old) {
  SessionStore store({.lifetime = 2h});
  store.put(id_of(1), state_of(Instant(1h)));
  EXPECT_NE(store.find(id_of(1), Instant(1h)), nullptr);
  EXPECT_NE(store.find(id_of(1), Instant(3h) - Duration(1)), nullptr);
  EXPECT_EQ(store.find(id_of(1), Instant(3h)), nullptr);
  EXPECT_EQ(store.find(id_of(2), Instant(1h)), nullptr);
  EXPECT_EQ(store.find(Bytes(id_of(1)).first(31), Instant(1h)), nullptr);
  EXPECT_EQ(store.find({}, Instant(1h)), nullptr);
}

TEST(SessionStore, forgets_what_failed_and_what_is_old_and_keeps_no_more_than_it_may) {
  SessionStore store({.lifetime = 2h, .sessions_max = 3});
  for (u8 i = 1; i <= 4; ++i) store.put(id_of(i), state_of(Instant(1h)));
  EXPECT_EQ(store.size(), 3U);
  EXPECT_EQ(store.find(id_of(1), Instant(1h)), nullptr) << "the oldest";
  EXPECT_NE(store.find(id_of(4), Instant(1h)), nullptr);
  store.forget(id_of(4));
  store.forget(id_of(4));
  EXPECT_EQ(store.find(id_of(4), Instant(1h)), nullptr);
  EXPECT_EQ(store.size(), 2U);
  store.put(id_of(5), state_of(Instant(3h)));
  EXPECT_EQ(store.size(), 1U) << "the others are too old";
  store.put(id_of(5), state_of(Instant(4h)));
  EXPECT_EQ(store.size(), 1U);
}

TEST(SessionStore, keeps_no_long_chains) {
  SessionStore store({.chain_bytes_max = 100});
  store.put(id_of(1), state_of(Instant(1h), 100));
  store.put(id_of(2), state_of(Instant(1h), 101));
  EXPECT_EQ(store.size(), 1U);
}

struct Stored : Configs {
  SessionStore store{{}};
  Stored() {
    client.version_max = Version::tls_1_2;
    server.sessions = &store;
  }
  Ticket first() const {
    Talk talk(*this);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.tickets.size(), 1U);
    EXPECT_TRUE(talk.tickets.at(0).ticket.empty());
    EXPECT_EQ(talk.tickets.at(0).session_id.size(), session_id_size_max);
    return std::move(talk.tickets.at(0));
  }
};

TEST(SessionId, resumes_a_session_again_and_again) {
  Stored configs;
  Ticket session = configs.first();
  EXPECT_EQ(configs.store.size(), 1U);
  for (u32 i = 0; i < 3; ++i) {
    const Instant now = Instant(1h) + Duration(std::chrono::minutes(i));
    Talk talk(configs, std::move(session), server_name, now);
    talk.run();
    expect_connected(talk);
    EXPECT_TRUE(talk.client.summary().is_resumed && talk.server.summary().is_resumed);
    EXPECT_EQ(talk.pass(talk.client, "question"), "question");
    EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
    ASSERT_EQ(talk.tickets.size(), 1U);
    session = std::move(talk.tickets[0]);
    EXPECT_EQ(session.received, Instant(1h)) << "it does not get younger";
  }
  EXPECT_EQ(configs.store.size(), 1U);
}

TEST(SessionId, begins_anew_where_the_server_has_forgotten_it) {
  Stored configs;
  const auto resumed = [&](Ticket session, Instant now = Instant(1h)) {
    Talk talk(configs, std::move(session), server_name, now);
    talk.run();
    expect_connected(talk);
    return talk.client.summary().is_resumed;
  };
  Ticket forgotten = configs.first();
  configs.store.forget(forgotten.session_id);
  EXPECT_FALSE(resumed(std::move(forgotten)));
  EXPECT_FALSE(resumed(configs.first(), Instant(4h)));
  Ticket unknown_to_another = configs.first();
  configs.server.sessions = nullptr;
  EXPECT_FALSE(resumed(std::move(unknown_to_another)));
}

TEST(SessionId, is_of_no_use_with_the_wrong_secret_and_then_forgotten) {
  Stored configs;
  Ticket session = configs.first();
  session.psk.room()[0] ^= 1;
  Talk talk(configs, std::move(session));
  talk.run();
  EXPECT_FALSE(talk.client.is_connected() || talk.server.is_connected());
  EXPECT_EQ(configs.store.size(), 0U) << "RFC 5246 §7.2.2";
}

TEST(SessionId, goes_with_the_clients_certificate) {
  Stored configs;
  Ticket without = configs.first();
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(crypto::KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  Talk anew(configs, std::move(without));
  anew.run();
  expect_connected(anew);
  EXPECT_FALSE(anew.client.summary().is_resumed);
  Talk again(configs, std::move(anew.tickets.at(0)));
  again.run();
  expect_connected(again);
  EXPECT_TRUE(again.server.summary().is_resumed);
  EXPECT_EQ(again.server.summary().peer_chain, configs.client.identities[0].chain());
}

TEST(SessionId, is_not_given_where_a_ticket_is_and_may_turn_into_one) {
  Stored configs;
  Ticket by_id = configs.first();
  crypto::SystemRandom random;
  TicketKeys keys({}, random, Instant(1h));
  configs.server.ticket_keys = &keys;
  Talk talk(configs, std::move(by_id));
  talk.run();
  expect_connected(talk);
  EXPECT_TRUE(talk.client.summary().is_resumed);
  ASSERT_EQ(talk.tickets.size(), 1U);
  EXPECT_TRUE(talk.tickets[0].session_id.empty());
  EXPECT_FALSE(talk.tickets[0].ticket.empty());
  Talk other(configs);
  other.run();
  EXPECT_EQ(configs.store.size(), 1U);
}

TEST(SessionId, does_not_keep_a_client_from_TLS_1_3) {
  Stored configs;
  Ticket session = configs.first();
  configs.client.version_max = Version::tls_1_3;
  Talk talk(configs, std::move(session));
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().version, Version::tls_1_3);
}

TEST(SessionId, that_was_not_offered_is_not_taken) {
  // Whoever echoes the ID that is there for middleboxes alone resumes what never was.
  const Configs configs;
  crypto::SystemRandom random;
  Client client(configs.client, server_name, random, {}, Instant(1h));
  const std::vector<u8> sent = std::get<SendMessage>(*client.poll_action()).bytes;
  const auto offered = parse_client_hello(Bytes(sent).subspan(message_header_size));
  ASSERT_EQ(offered->session_id.size(), session_id_size_max);
  ServerHello hello;
  const std::array<u8, random_size> random_bytes{};
  hello.random = random_bytes;
  hello.session_id = offered->session_id;
  hello.suite = CipherSuite::ecdsa_aes_128_gcm_sha256;
  hello.extended_master_secret = true;
  hello.renegotiation_info = Bytes{};
  const Outcome outcome = client.on_message(emit_server_hello(hello), Instant(1h));
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(to_string(outcome.error().alert), "illegal_parameter");
}

}  // namespace
}  // namespace handfast::tls
