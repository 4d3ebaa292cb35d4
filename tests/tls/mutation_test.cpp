// Handshakes that somebody on the way changes by a bit: whoever gets the changed bytes never ends
// the handshake, whatever the flight, the version and the role.
#include <algorithm>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/psk_ke.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant now{1h};

/// Handshakes that are all alike, and how many of each flight's bits are changed: each one in
/// `stride`.
struct Scenario {
  Configs configs;
  std::optional<Ticket> ticket;
  u32 stride = 1;
};

Talk begin(const Scenario& scenario) {
  std::optional<Ticket> ticket;
  if (scenario.ticket) ticket = copy(*scenario.ticket);
  return Talk(scenario.configs, std::move(ticket), server_name, now);
}

/// Lets both ends speak in turns until flight `n` is on its way; the client's hello is flight 0.
/// None where there is no such flight, as both have nothing to say before.
std::vector<u8>* flight(Talk& talk, u32 n) {
  for (u32 i = 0; i <= n; ++i) {
    Session& from = i % 2 == 0 ? talk.client : talk.server;
    Session& into = i % 2 == 0 ? talk.server : talk.client;
    talk.move_output(from);
    if (talk.in(into).empty()) return nullptr;
    if (i == n) return &talk.in(into);
    talk.drain(into);
  }
  return nullptr;
}

/// RFC 8446 §5.1: a record's version "MUST be ignored for all purposes"; where these bytes are.
std::set<std::size_t> ignored_bytes(Bytes records) {
  std::set<std::size_t> places;
  for (std::size_t at = 0; at + record_header_size <= records.size();) {
    places.insert({at + 1, at + 2});
    at += record_header_size + parse_record_header(records.subspan(at)).length;
  }
  return places;
}

void never_completes(const Scenario& scenario, u32 n) {
  Talk unchanged = begin(scenario);
  const std::vector<u8>* sent = flight(unchanged, n);
  ASSERT_NE(sent, nullptr);
  const u32 bits = to<u32>(8 * sent->size());
  const std::set<std::size_t> ignored = ignored_bytes(*sent);
  ASSERT_GT(bits, 400U);
  u32 completed = 0;
  for (u32 bit = 0; bit < bits; bit += scenario.stride) {
    Talk talk = begin(scenario);
    std::vector<u8>& bytes = *flight(talk, n);
    if (bit / 8 >= bytes.size()) break;  // signatures of ECDSA vary in length
    bytes[bit / 8] ^= to<u8>(1 << bit % 8);
    Session& into = n % 2 == 0 ? talk.server : talk.client;
    talk.run();
    if (!into.is_connected()) continue;
    ++completed;
    EXPECT_TRUE(ignored.contains(bit / 8)) << "bit " << bit << " of flight " << n;
    EXPECT_EQ(talk.pass(talk.client, "data"), "data");
  }
  if (scenario.stride == 1) {
    EXPECT_LE(completed, 16 * ignored.size());
  }
}

/// Every flight of the handshake, of both ends.
void never_completes(const Scenario& scenario, std::vector<u32> flights) {
  Talk whole = begin(scenario);
  whole.run();
  expect_connected(whole);
  EXPECT_EQ(whole.client.summary().is_resumed, scenario.ticket.has_value());
  for (const u32 n : flights) never_completes(scenario, n);
}

/// Ed25519: small certificates, and signatures that are as long each time.
Scenario plain(Version version) {
  Scenario scenario;
  scenario.configs.client.version_max = version;
  scenario.configs.client.grease = false;
  scenario.configs.server.identities = identities_of(crypto::KeyType::ed25519);
  return scenario;
}

struct Resumed {
  crypto::SystemRandom random;
  TicketKeys keys{{}, random, now};

  Scenario scenario(Version version) {
    Scenario scenario = plain(version);
    scenario.configs.server.ticket_keys = &keys;
    scenario.configs.server.tickets_per_session = 1;
    Talk first(scenario.configs, {}, server_name, now);
    first.run();
    scenario.ticket = std::move(first.tickets.at(0));
    return scenario;
  }
};

Scenario with_client_certificate(Version version) {
  Scenario scenario = plain(version);
  scenario.configs.server.client_auth = ClientAuth::require;
  scenario.configs.client.identities = identities_of(crypto::KeyType::ed25519);
  scenario.stride = 7;
  return scenario;
}

Scenario by_suites(const auto& suites) {
  Scenario scenario = plain(Version::tls_1_2);
  scenario.configs.client.suites = {suites.begin(), suites.end()};
  scenario.configs.server.suites = scenario.configs.client.suites;
  scenario.configs.server.identities = identities_of(crypto::KeyType::rsa);
  scenario.stride = 31;
  return scenario;
}

TEST(Transcript, of_TLS_1_3_changed_in_any_bit_never_completes) {
  never_completes(plain(Version::tls_1_3), {0, 1, 2});
}

TEST(Transcript, of_TLS_1_2_changed_in_any_bit_never_completes) {
  never_completes(plain(Version::tls_1_2), {0, 1, 2, 3});
}

TEST(Transcript, of_a_resumption_in_TLS_1_3_changed_in_any_bit_never_completes) {
  Resumed resumed;
  never_completes(resumed.scenario(Version::tls_1_3), {1, 2});
}

TEST(Transcript, of_a_resumption_without_a_key_exchange_changed_in_any_bit_never_completes) {
  Resumed resumed;
  Scenario scenario = resumed.scenario(Version::tls_1_3);
  scenario.configs.client.psk_without_key_exchange = true;
  scenario.configs.server.psk_without_key_exchange = true;
  scenario.configs.client.client_hellos = {
      hello_by_psk_ke(scenario.configs.client, *scenario.ticket, now, false)};
  never_completes(scenario, {1, 2});
}

TEST(Transcript, of_a_resumption_in_TLS_1_2_changed_in_any_bit_never_completes) {
  Resumed resumed;
  never_completes(resumed.scenario(Version::tls_1_2), {1, 2});
}

TEST(Transcript, with_a_hello_retry_request_changed_never_completes) {
  Scenario scenario = plain(Version::tls_1_3);
  scenario.configs.server.groups = {crypto::Group::secp256r1};
  scenario.stride = 3;
  never_completes(scenario, {0, 1, 2, 3, 4});
}

TEST(Transcript, with_a_client_certificate_changed_never_completes) {
  never_completes(with_client_certificate(Version::tls_1_3), {1, 2});
  never_completes(with_client_certificate(Version::tls_1_2), {1, 2, 3});
}

TEST(Transcript, of_DHE_and_RSA_key_transport_changed_never_completes) {
  never_completes(by_suites(dhe_suites), {1, 2, 3});
  never_completes(by_suites(rsa_transport_suites), {1, 2, 3});
}

}  // namespace
}  // namespace handfast::tls
