// Both machines without records: which messages have a place where, and that every arrow is taken.
#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "tls/client.hpp"
#include "tls/expect.hpp"
#include "tls/server.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant now{1h};

/// A client and a server that hand each other messages, one at a time.
class Pair {
 public:
  explicit Pair(const Configs& configs, std::optional<Ticket> ticket = {})
      : client(configs.client, server_name, random_, std::move(ticket), now),
        server(configs.server, random_) {
    collect();
  }
  crypto::SystemRandom random_;
  Client client;
  Server server;
  std::deque<std::vector<u8>> to_server;
  std::deque<std::vector<u8>> to_client;

  /// Delivers one message, or gives one verdict; false where there is nothing to do.
  bool step() {
    if (client.state() == State::wait_verdict) {
      EXPECT_TRUE(client.on_verdict({}).has_value());
    } else if (server.state() == State::wait_verdict) {
      EXPECT_TRUE(server.on_verdict({}).has_value());
    } else if (!to_client.empty()) {
      deliver(client, to_client);
    } else if (!to_server.empty()) {
      deliver(server, to_server);
    } else {
      return false;
    }
    collect();
    return true;
  }

 private:
  template <class End>
  void deliver(End& end, std::deque<std::vector<u8>>& from) {
    if (from.front().empty())
      end.on_change_cipher_spec();
    else
      EXPECT_TRUE(end.on_message(from.front(), now).has_value());
    from.pop_front();
  }
  void collect() {
    const auto gather = [](Handshake& from, std::deque<std::vector<u8>>& into) {
      while (auto action = from.poll_action()) {
        if (auto* message = std::get_if<SendMessage>(&*action))
          into.push_back(std::move(message->bytes));
        else if (std::holds_alternative<SendChangeCipherSpec>(*action) &&
                 from.summary().version == Version::tls_1_2)
          into.emplace_back();  // stands for it
      }
    };
    gather(client, to_server);
    gather(server, to_client);
  }
};

Configs retrying() {
  Configs configs;
  configs.client.groups = {crypto::Group::x25519, crypto::Group::secp256r1};
  configs.server.groups = {crypto::Group::secp256r1};
  return configs;
}

Configs with_client_auth(bool has_certificate) {
  Configs configs;
  configs.server.client_auth = ClientAuth::request;
  if (has_certificate)
    configs.client.identities.push_back(
        self_signed(crypto::KeyType::ec_p256, {"client.example"}, crypto::CertificateRole::client));
  return configs;
}

/// Configurations of ends that take early data, and what they share.
struct Early {
  crypto::SystemRandom random;
  TicketKeys keys{{}, random, now};
  ReplayGuard guard{{}, random, now};

  Configs configs() {
    Configs made;
    made.client.offers_early_data = true;
    made.server.ticket_keys = &keys;
    made.server.replay_guard = &guard;
    made.server.early_bytes_max = 1000;
    return made;
  }
  static Ticket ticket(const Configs& configs) {
    Talk first(configs, {}, server_name, now);
    first.run();
    return std::move(first.tickets.at(0));
  }
};

Configs by_rsa_key_transport() {
  Configs configs;
  configs.server.identities = identities_of(crypto::KeyType::rsa);
  configs.server.suites = {rsa_transport_suites.begin(), rsa_transport_suites.end()};
  configs.client.suites = configs.server.suites;
  configs.client.version_max = Version::tls_1_2;
  return configs;
}

using Expected = std::map<State, std::vector<HandshakeType>>;

Expected expected_of(Role role, Version version) {
  using enum HandshakeType;
  if (version == Version::tls_1_2 && role == Role::client)
    return {{State::wait_server_hello, {server_hello}},
            {State::wait_certificate, {certificate}},
            {State::wait_server_key_exchange, {server_key_exchange}},
            {State::wait_request_or_done, {certificate_request, server_hello_done}},
            {State::wait_hello_done, {server_hello_done}},
            {State::wait_new_session_ticket, {new_session_ticket}},
            {State::wait_change_cipher_spec, {}},
            {State::wait_finished, {finished}},
            {State::connected, {hello_request}}};
  if (version == Version::tls_1_2)
    return {{State::start, {client_hello}},
            {State::wait_certificate, {certificate}},
            {State::wait_client_key_exchange, {client_key_exchange}},
            {State::wait_certificate_verify, {certificate_verify}},
            {State::wait_change_cipher_spec, {}},
            {State::wait_finished, {finished}},
            {State::connected, {client_hello}}};
  if (role == Role::client)
    return {{State::wait_server_hello, {server_hello}},
            {State::wait_encrypted_extensions, {encrypted_extensions}},
            {State::wait_certificate_or_request,
             {certificate, compressed_certificate, certificate_request}},
            {State::wait_certificate, {certificate, compressed_certificate}},
            {State::wait_certificate_verify, {certificate_verify}},
            {State::wait_finished, {finished}},
            {State::connected, {new_session_ticket, key_update}}};
  return {{State::start, {client_hello}},
          {State::wait_second_hello, {client_hello}},
          {State::wait_end_of_early_data, {end_of_early_data}},
          {State::wait_certificate, {certificate, compressed_certificate}},
          {State::wait_certificate_verify, {certificate_verify}},
          {State::wait_finished, {finished}},
          {State::connected, {key_update}}};
}

/// Every type but those that have a place in the state.
template <class End>
void refuse_all_others(End& end, Version version, std::map<State, u32>& visited) {
  const Expected expected = expected_of(end.role(), version);
  const auto row = expected.find(end.state());
  if (row == expected.end()) return;  // it waits for an answer: nothing is handed in
  ++visited[end.state()];
  for (u32 type = 0; type < 256; ++type) {
    const auto code = static_cast<HandshakeType>(type);
    if (std::ranges::find(row->second, code) != row->second.end()) continue;
    const std::array<u8, 4> message{to<u8>(type), 0, 0, 0};
    const Outcome outcome = end.on_message(message, now);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(to_string(outcome.error().alert), "unexpected_message")
        << to_string(end.state()) << " " << to_string(code);
    EXPECT_NE(outcome.error().why.find(to_string(end.state())), std::string::npos);
  }
}

void refuse_others_in_every_state(const std::vector<Configs>& all, Version version) {
  std::map<State, u32> client_states;
  std::map<State, u32> server_states;
  for (const Configs& configs : all) {
    std::optional<Ticket> ticket;
    if (configs.client.offers_early_data) ticket = Early::ticket(configs);
    Pair pair(configs, std::move(ticket));
    do {
      refuse_all_others(pair.client, version, client_states);
      refuse_all_others(pair.server, version, server_states);
    } while (pair.step());
    EXPECT_EQ(pair.client.state(), State::connected);
    EXPECT_EQ(pair.server.state(), State::connected);
  }
  EXPECT_EQ(client_states.size(), expected_of(Role::client, version).size());
  EXPECT_EQ(server_states.size(), expected_of(Role::server, version).size());
}

TEST(Machines, refuse_every_message_that_has_no_place_in_every_state) {
  std::vector<Configs> all;
  all.push_back(retrying());
  all.push_back(with_client_auth(true));
  Early early;
  all.push_back(early.configs());
  refuse_others_in_every_state(all, Version::tls_1_3);
}

TEST(Machines, of_TLS_1_2_refuse_every_message_that_has_no_place_in_every_state) {
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  std::vector<Configs> all;
  all.push_back(with_client_auth(true));
  all.back().client.version_max = Version::tls_1_2;
  all.back().server.ticket_keys = &keys;
  all.push_back(by_rsa_key_transport());
  refuse_others_in_every_state(all, Version::tls_1_2);
}

/// The arrows that handshakes take, of both roles.
struct Taken {
  u32 client = 0;
  u32 server = 0;

  void run(const Configs& configs, std::optional<Ticket> ticket = {}) {
    Pair pair(configs, std::move(ticket));
    while (pair.step()) continue;
    EXPECT_EQ(pair.client.state(), State::connected);
    client |= pair.client.machine().edges_taken();
    server |= pair.server.machine().edges_taken();
  }
  void expect_all(Version version) const {
    for (const Role role : {Role::client, Role::server})
      for (u32 i = 0; i < edges_of(role, version).size(); ++i) {
        const Edge& edge = edges_of(role, version)[i];
        EXPECT_TRUE(((role == Role::client ? client : server) >> i & 1) != 0)
            << to_string(role) << ": " << to_string(edge.from) << " -> " << to_string(edge.to)
            << " " << edge.label;
      }
  }
};

TEST(Machines, take_every_arrow_of_their_tables) {
  Taken taken;
  taken.run(Configs());
  taken.run(retrying());
  taken.run(with_client_auth(true));
  taken.run(with_client_auth(false));
  Configs resuming;
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  resuming.server.ticket_keys = &keys;
  Talk first(resuming, {}, server_name, now);
  first.run();
  taken.run(resuming, std::move(first.tickets.at(0)));
  Early early;
  const Configs configs = early.configs();
  taken.run(configs, Early::ticket(configs));
  taken.expect_all(Version::tls_1_3);
}

TEST(Machines, of_TLS_1_2_take_every_arrow_of_their_tables) {
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  Taken taken;
  for (const bool ticketed : {false, true}) {
    for (Configs& configs :
         std::array{Configs(), with_client_auth(true), with_client_auth(false)}) {
      configs.client.version_max = Version::tls_1_2;
      if (ticketed) configs.server.ticket_keys = &keys;
      taken.run(configs);
    }
  }
  for (const ClientAuth auth : {ClientAuth::none, ClientAuth::request}) {
    Configs configs = by_rsa_key_transport();
    configs.server.client_auth = auth;
    taken.run(configs);
  }
  for (const bool renews : {false, true}) {
    Configs configs;
    configs.client.version_max = Version::tls_1_2;
    configs.server.ticket_keys = &keys;
    Talk first(configs, {}, server_name, now);
    first.run();
    configs.server.renews_tickets = renews;
    taken.run(configs, std::move(first.tickets.at(0)));
  }
  taken.expect_all(Version::tls_1_2);
}

TEST(Machines, of_TLS_1_2_do_not_renegotiate) {
  Configs configs;
  configs.client.version_max = Version::tls_1_2;
  Pair pair(configs);
  const std::vector<u8> hello = pair.to_server.front();
  while (pair.step()) continue;
  const Outcome outcome = pair.server.on_message(hello, now);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(to_string(outcome.error().alert), "no_renegotiation");
  // RFC 5246 §7.4.1.1: a client may ignore that it is asked to.
  EXPECT_TRUE(pair.client.on_message(emit_plain(HandshakeType::hello_request, {}), now));
  EXPECT_EQ(pair.client.state(), State::connected);
}

TEST(MachinesDeathTest, stop_where_there_is_no_arrow) {
  Machine machine(Role::client);
  EXPECT_DEATH(machine.enter(State::connected), "edge");
}

}  // namespace
}  // namespace handfast::tls
