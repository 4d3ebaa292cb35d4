#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant start{1h};

/// Configurations of ends that take early data, with a ticket for it.
struct Early : Configs {
  crypto::SystemRandom random;
  TicketKeys keys{{}, random, start};
  ReplayGuard guard{{}, random, start};
  Early() {
    client.offers_early_data = true;
    server.ticket_keys = &keys;
    server.replay_guard = &guard;
    server.early_bytes_max = 1000;
  }
  Ticket ticket() const {
    Talk talk(*this);
    talk.run();
    expect_connected(talk);
    EXPECT_EQ(talk.client.summary().early_data, EarlyData::none);
    return std::move(talk.tickets.at(0));
  }
};

/// Both ends say `wanted`, and the server has "early" only if it took it.
void expect_early_data(const Talk& talk, EarlyData wanted) {
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().early_data, wanted);
  EXPECT_EQ(talk.server.summary().early_data, wanted);
  EXPECT_EQ(talk.server_got, wanted == EarlyData::accepted ? "early" : "");
  EXPECT_EQ(talk.early_got, talk.server_got);
}

void expect_rejected(const Early& configs, Ticket ticket, Instant now = start) {
  Talk talk(configs, std::move(ticket), server_name, now);
  EXPECT_EQ(talk.send_early("early"), "");
  talk.run();
  expect_early_data(talk, EarlyData::rejected);
  EXPECT_EQ(talk.pass(talk.client, "early"), "early") << "and it can be sent again";
  EXPECT_EQ(talk.early_got, "");
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
}

TEST(EarlyData, arrives_with_the_hello_and_is_answered_in_the_first_flight) {
  const Early configs;
  Talk talk(configs, configs.ticket());
  EXPECT_EQ(talk.client.early_room(), 1000U);
  EXPECT_EQ(talk.send_early("early"), "");
  EXPECT_EQ(talk.client.early_room(), 995U);
  talk.drain(talk.server);
  EXPECT_EQ(talk.early_got, "early");
  EXPECT_FALSE(talk.server.is_connected());
  ASSERT_TRUE(talk.server.can_seal());
  talk.move_output(talk.server);
  std::vector<u8> room(100);
  const auto sealed = talk.server.seal(as_bytes("answer"), room);
  EXPECT_EQ(sealed.taken, 6U);
  talk.client_in.insert(talk.client_in.end(), room.begin(), room.begin() + sealed.written);
  talk.run();
  expect_early_data(talk, EarlyData::accepted);
  EXPECT_EQ(talk.client_got, "answer");
  EXPECT_EQ(talk.pass(talk.client, "more"), "more");
  EXPECT_EQ(talk.early_got, "early") << "what came later is not early";
  EXPECT_EQ(talk.client.early_room(), 0U);
}

TEST(EarlyData, works_with_each_suite_and_without_middlebox_compatibility) {
  for (const CipherSuite suite : {CipherSuite::aes_128_gcm_sha256, CipherSuite::aes_256_gcm_sha384,
                                  CipherSuite::chacha20_poly1305_sha256}) {
    Early configs;
    configs.client.suites = {suite};
    configs.client.middlebox_compatibility = suite == CipherSuite::aes_128_gcm_sha256;
    Talk talk(configs, configs.ticket());
    talk.send_early("early");
    talk.run();
    expect_early_data(talk, EarlyData::accepted);
  }
}

TEST(EarlyData, that_is_empty_ends_like_any_other) {
  const Early configs;
  Talk talk(configs, configs.ticket());
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().early_data, EarlyData::accepted);
}

TEST(EarlyData, keys_are_logged_alike_at_both_ends) {
  Early configs;
  Ticket ticket = configs.ticket();
  configs.client.key_log = configs.server.key_log = true;
  Talk talk(configs, std::move(ticket));
  talk.send_early("early");
  talk.run();
  std::vector<std::string> lines;
  for (const std::string& line : talk.key_log)
    if (line.starts_with("CLIENT_EARLY_TRAFFIC_SECRET ")) lines.push_back(line);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], lines[1]);
}

TEST(EarlyData, is_off_unless_both_ends_want_it) {
  Early configs;
  configs.server.early_bytes_max = 0;
  Talk neither(configs, configs.ticket());
  EXPECT_EQ(neither.client.early_room(), 0U) << "the ticket does not allow it";
  neither.run();
  EXPECT_EQ(neither.server.summary().early_data, EarlyData::none);

  configs.server.early_bytes_max = 1000;
  configs.server.replay_guard = nullptr;
  EXPECT_EQ(configs.ticket().early_bytes_max, 0U) << "nobody would notice a replay";

  configs.server.replay_guard = &configs.guard;
  configs.client.offers_early_data = false;
  Talk unwanted(configs, configs.ticket());
  EXPECT_EQ(unwanted.client.early_room(), 0U);
  unwanted.run();
  EXPECT_EQ(unwanted.server.summary().early_data, EarlyData::none);
  EXPECT_TRUE(unwanted.client.summary().is_resumed);
}

TEST(EarlyData, of_a_server_that_changed_its_mind_is_skipped) {
  Early configs;
  Ticket ticket = configs.ticket();
  configs.server.early_bytes_max = 0;
  expect_rejected(configs, std::move(ticket));
}

TEST(EarlyData, is_skipped_where_the_ticket_is_unknown) {
  const Early configs;
  Ticket ticket = configs.ticket();
  ticket.ticket.back() ^= 1;
  expect_rejected(configs, std::move(ticket));
}

TEST(EarlyData, is_skipped_where_the_server_asks_for_another_hello) {
  Early configs;
  Ticket ticket = configs.ticket();
  configs.client.groups = {crypto::Group::x25519, crypto::Group::secp256r1};
  configs.server.groups = {crypto::Group::secp256r1};
  expect_rejected(configs, std::move(ticket));
}

TEST(EarlyData, is_skipped_where_the_suite_is_another) {
  Early configs;
  Ticket ticket = configs.ticket();
  // The hash is the same, so that the session itself goes on.
  configs.server.suites = {CipherSuite::chacha20_poly1305_sha256};
  expect_rejected(configs, std::move(ticket));
}

TEST(EarlyData, is_skipped_where_the_protocol_is_another) {
  Early configs;
  configs.client.protocols = configs.server.protocols = {"one", "two"};
  Ticket ticket = configs.ticket();
  configs.server.protocols = {"two"};
  expect_rejected(configs, std::move(ticket));
}

TEST(EarlyData, is_not_offered_where_its_protocol_or_suite_is_not) {
  Early configs;
  configs.client.protocols = configs.server.protocols = {"one", "two"};
  Ticket ticket = configs.ticket();
  Ticket other = configs.ticket();
  configs.client.protocols = {"two"};
  Talk talk(configs, std::move(ticket));
  EXPECT_EQ(talk.client.early_room(), 0U);
  talk.run();
  expect_early_data(talk, EarlyData::none);

  configs.client.protocols = {"one"};
  configs.client.suites = {CipherSuite::chacha20_poly1305_sha256};
  Talk second(configs, std::move(other));
  EXPECT_EQ(second.client.early_room(), 0U);
}

TEST(EarlyData, is_skipped_where_the_ticket_is_not_as_old_as_the_client_says) {
  const Early configs;
  Ticket ticket = configs.ticket();
  ticket.received = start + 11s;
  expect_rejected(configs, std::move(ticket), start + 22s);
  EXPECT_EQ(configs.guard.counters().stale, 1U);
}

TEST(EarlyData, that_is_replayed_is_not_taken_twice) {
  const Early configs;
  Talk talk(configs, configs.ticket());
  talk.send_early("early");
  const std::vector<u8> bytes = talk.server_in;
  talk.run();
  expect_early_data(talk, EarlyData::accepted);

  crypto::SystemRandom random;
  for (const Instant when : {start, start + 5s, start + 15s, start + 45s}) {
    Session server = Session::server(configs.server, random);
    std::vector<u8> copy = bytes;
    const auto fed = server.feed(copy, when);
    ASSERT_TRUE(fed.has_value()) << fed.error().why;
    EXPECT_EQ(server.summary().early_data, EarlyData::rejected);
    EXPECT_TRUE(server.plaintext().empty());
    EXPECT_FALSE(server.can_seal());
  }
  EXPECT_EQ(configs.guard.counters().accepted, 1U);
  EXPECT_EQ(configs.guard.counters().replayed, 2U);
  EXPECT_EQ(configs.guard.counters().stale, 2U);
}

TEST(EarlyData, of_more_bytes_than_the_ticket_allows_is_refused) {
  const Early configs;
  Ticket ticket = configs.ticket();
  ticket.early_bytes_max = 2000;
  Talk talk(configs, std::move(ticket));
  EXPECT_EQ(talk.send_early(std::string(2000, 'x')), "");
  talk.run();
  expect_refused(talk.server, talk.client, Alert::unexpected_message);

  Talk obedient(configs, configs.ticket());
  EXPECT_EQ(obedient.send_early(std::string(1001, 'x')), "x") << "the client knows the limit";
  obedient.run();
  expect_connected(obedient);
  EXPECT_EQ(obedient.early_got.size(), 1000U);
}

TEST(EarlyData, that_has_to_be_skipped_has_a_limit) {
  Early configs;
  configs.server.early_bytes_max = 100'000;
  Ticket ticket = configs.ticket();
  ticket.early_bytes_max = 400'000;
  ticket.ticket.back() ^= 1;
  Talk talk(configs, std::move(ticket));
  EXPECT_EQ(talk.send_early(std::string(300'000, 'x')), "");
  talk.run();
  expect_refused(talk.server, talk.client, Alert::bad_record_mac);
}

TEST(EarlyData, that_was_changed_on_the_way_ends_the_connection) {
  const Early configs;
  Talk talk(configs, configs.ticket());
  talk.send_early("early");
  talk.server_in.back() ^= 1;
  talk.run();
  expect_refused(talk.server, talk.client, Alert::bad_record_mac);
}

TEST(EarlyData, does_not_hide_a_certificate_of_the_client) {
  Early configs;
  configs.server.client_auth = ClientAuth::require;
  configs.client.identities.push_back(
      self_signed(crypto::KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  Talk talk(configs, configs.ticket());
  talk.send_early("early");
  talk.run();
  expect_early_data(talk, EarlyData::accepted);
  EXPECT_EQ(talk.server.summary().peer_chain, configs.client.identities[0].chain());
}

TEST(EarlyData, is_not_followed_by_TLS_1_2) {
  Early configs;
  Ticket ticket = configs.ticket();
  configs.server.version_max = Version::tls_1_2;
  Talk talk(configs, std::move(ticket));
  talk.run();
  // The server does not hear of it: what it did not expect has ended its part.
  ASSERT_TRUE(talk.client.error().has_value());
  EXPECT_EQ(to_string(talk.client.error()->alert), "protocol_version");
  EXPECT_NE(talk.client.error()->why.find("TLS 1.2"), std::string::npos);
}

TEST(ReplayGuard, takes_a_ticket_once_and_forgets_it_when_it_is_stale_anyway) {
  crypto::SystemRandom random;
  ReplayGuard guard({.window = 10s}, random, start);
  const std::array<u8, 40> ticket{1};
  EXPECT_TRUE(guard.accept(ticket, start, 0s, start + 9s));
  for (Duration later = 9s; later < 10min; later += 1s)
    EXPECT_FALSE(guard.accept(ticket, start, 0s, start + later)) << later.count();
  // The same ticket again, much later, is something new: what was sent first is stale by now.
  EXPECT_TRUE(guard.accept(ticket, start, 10min, start + 10min));
  EXPECT_FALSE(guard.accept(ticket, start, 10min, start + 10min));
}

TEST(ReplayGuard, remembers_for_as_long_as_a_hello_is_fresh_whenever_it_came) {
  crypto::SystemRandom random;
  for (Duration first = 0s; first < 40s; first += 1s) {
    ReplayGuard guard({.window = 10s}, random, start);
    const std::array<u8, 40> ticket{1};
    // It comes ten seconds before its time, and again until ten seconds after.
    const Duration age = first + 10s;
    EXPECT_TRUE(guard.accept(ticket, start, age, start + first));
    const std::array<u8, 40> other{2};
    for (Duration later = first; later <= first + 20s; later += 1s) {
      EXPECT_FALSE(guard.accept(ticket, start, age, start + later));
      (void)guard.accept(other, start, later, start + later);
    }
    EXPECT_EQ(guard.counters().stale, 0U);
  }
}

TEST(ReplayGuard, takes_nothing_that_it_cannot_remember) {
  crypto::SystemRandom random;
  ReplayGuard guard({.window = 10s, .tickets_max = 100}, random, start);
  for (u8 i = 0; i < 200; ++i) {
    const std::array<u8, 40> ticket{i};
    EXPECT_EQ(guard.accept(ticket, start, 0s, start), i < 100);
  }
  EXPECT_EQ(guard.counters().unknowable, 100U);
  const std::array<u8, 40> late{250};
  EXPECT_TRUE(guard.accept(late, start, 20s, start + 20s)) << "there is room again";
}

TEST(ReplayGuard, takes_no_ticket_from_before_its_time) {
  crypto::SystemRandom random;
  ReplayGuard guard({}, random, start);
  const std::array<u8, 40> ticket{};
  EXPECT_FALSE(guard.accept(ticket, start - 1s, 1s, start));
  EXPECT_EQ(guard.counters().stale, 1U);
}

}  // namespace
}  // namespace handfast::tls
