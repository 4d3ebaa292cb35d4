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
      EXPECT_TRUE(client.on_message(to_client.front(), now).has_value());
      to_client.pop_front();
    } else if (!to_server.empty()) {
      EXPECT_TRUE(server.on_message(to_server.front(), now).has_value());
      to_server.pop_front();
    } else {
      return false;
    }
    collect();
    return true;
  }

 private:
  void collect() {
    const auto gather = [](Handshake& from, std::deque<std::vector<u8>>& into) {
      while (auto action = from.poll_action())
        if (auto* message = std::get_if<SendMessage>(&*action))
          into.push_back(std::move(message->bytes));
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

using Expected = std::map<State, std::vector<HandshakeType>>;

Expected expected_of(Role role) {
  using enum HandshakeType;
  if (role == Role::client)
    return {{State::wait_server_hello, {server_hello}},
            {State::wait_encrypted_extensions, {encrypted_extensions}},
            {State::wait_certificate_or_request, {certificate, certificate_request}},
            {State::wait_certificate, {certificate}},
            {State::wait_certificate_verify, {certificate_verify}},
            {State::wait_finished, {finished}},
            {State::connected, {new_session_ticket, key_update}}};
  return {{State::start, {client_hello}},
          {State::wait_second_hello, {client_hello}},
          {State::wait_certificate, {certificate}},
          {State::wait_certificate_verify, {certificate_verify}},
          {State::wait_finished, {finished}},
          {State::connected, {key_update}}};
}

/// Every type but those that have a place in the state.
template <class End>
void refuse_all_others(End& end, Role role, std::map<State, u32>& visited) {
  const Expected expected = expected_of(role);
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

TEST(Machines, refuse_every_message_that_has_no_place_in_every_state) {
  std::map<State, u32> client_states;
  std::map<State, u32> server_states;
  for (const Configs& configs : {retrying(), with_client_auth(true)}) {
    Pair pair(configs);
    do {
      refuse_all_others(pair.client, Role::client, client_states);
      refuse_all_others(pair.server, Role::server, server_states);
    } while (pair.step());
    EXPECT_EQ(pair.client.state(), State::connected);
    EXPECT_EQ(pair.server.state(), State::connected);
  }
  EXPECT_EQ(client_states.size(), expected_of(Role::client).size());
  EXPECT_EQ(server_states.size(), expected_of(Role::server).size());
}

TEST(Machines, take_every_arrow_of_their_tables) {
  u32 client_taken = 0;
  u32 server_taken = 0;
  const auto run = [&](const Configs& configs, std::optional<Ticket> ticket = {}) {
    Pair pair(configs, std::move(ticket));
    while (pair.step()) continue;
    client_taken |= pair.client.machine().edges_taken();
    server_taken |= pair.server.machine().edges_taken();
  };
  run(Configs());
  run(retrying());
  run(with_client_auth(true));
  run(with_client_auth(false));
  Configs resuming;
  crypto::SystemRandom random;
  TicketKeys keys({}, random, now);
  resuming.server.ticket_keys = &keys;
  Talk first(resuming, {}, server_name, now);
  first.run();
  run(resuming, std::move(first.tickets.at(0)));

  const auto check = [](Role role, u32 taken) {
    for (u32 i = 0; i < edges_of(role).size(); ++i) {
      const Edge& edge = edges_of(role)[i];
      EXPECT_TRUE((taken >> i & 1) != 0) << to_string(role) << ": " << to_string(edge.from)
                                         << " -> " << to_string(edge.to) << " " << edge.label;
    }
  };
  check(Role::client, client_taken);
  check(Role::server, server_taken);
}

TEST(MachinesDeathTest, stop_where_there_is_no_arrow) {
  Machine machine(Role::client);
  EXPECT_DEATH(machine.enter(State::connected), "edge");
}

}  // namespace
}  // namespace handfast::tls
