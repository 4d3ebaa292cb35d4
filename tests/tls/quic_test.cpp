// RFC 9001 §4 and §8: the handshake without records, as QUIC wants it.
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant now{1h};
using Secrets = std::map<std::pair<Level, Direction>, std::vector<u8>>;

struct QuicConfigs : Configs {
  QuicConfigs() {
    for (Config* config : {&client, &server}) {
      config->version_min = Version::tls_1_3;
      config->protocols = {"h3"};
    }
    client.quic_parameters = std::vector<u8>{1, 2};
    server.quic_parameters = std::vector<u8>{3, 4, 5};
  }
};

/// What one end did.
struct End {
  std::vector<std::vector<u8>> sent;
  Secrets secrets;
  bool is_done = false;
  bool changed_cipher_spec = false;
  std::optional<Error> error;

  template <class Role>
  void drain(Role& role) {
    while (auto action = role.poll_action()) {
      if (auto* message = std::get_if<SendMessage>(&*action))
        sent.push_back(std::move(message->bytes));
      if (const auto* keys = std::get_if<InstallKeys>(&*action)) {
        const Bytes secret = keys->secret.bytes();
        secrets[{keys->level, keys->direction}].assign(secret.begin(), secret.end());
      }
      if (std::holds_alternative<SendChangeCipherSpec>(*action)) changed_cipher_spec = true;
      if (std::holds_alternative<HandshakeDone>(*action)) is_done = true;
      if (std::holds_alternative<NeedVerdict>(*action)) (void)role.on_verdict({});
    }
  }
  template <class Role>
  void hear(Role& role, const std::vector<std::vector<u8>>& messages) {
    for (const std::vector<u8>& message : messages) {
      if (error) return;
      if (const Outcome good = role.on_message(message, now); !good) error = good.error();
      drain(role);
    }
  }
};

struct QuicTalk {
  explicit QuicTalk(const Configs& configs)
      : client(configs.client, server_name, random, {}, now), server(configs.server, random) {}
  void run() {
    of_client.drain(client);
    while (!of_client.sent.empty() || !of_server.sent.empty()) {
      of_server.hear(server, std::exchange(of_client.sent, {}));
      of_client.hear(client, std::exchange(of_server.sent, {}));
    }
  }
  crypto::SystemRandom random;
  Client client;
  Server server;
  End of_client;
  End of_server;
};

TEST(Quic, both_ends_know_each_others_parameters_and_have_the_same_secrets) {
  const QuicConfigs configs;
  QuicTalk talk(configs);
  talk.run();
  ASSERT_TRUE(talk.of_client.is_done && talk.of_server.is_done);
  EXPECT_EQ(talk.client.summary().peer_quic_parameters, *configs.server.quic_parameters);
  EXPECT_EQ(talk.server.summary().peer_quic_parameters, *configs.client.quic_parameters);
  EXPECT_EQ(talk.client.summary().protocol, "h3");
  EXPECT_FALSE(talk.of_client.changed_cipher_spec || talk.of_server.changed_cipher_spec);
  using enum Direction;
  for (const Level level : {Level::handshake, Level::application}) {
    ASSERT_FALSE((talk.of_client.secrets[{level, read}].empty()));
    EXPECT_EQ((talk.of_client.secrets[{level, read}]), (talk.of_server.secrets[{level, write}]));
    EXPECT_EQ((talk.of_client.secrets[{level, write}]), (talk.of_server.secrets[{level, read}]));
  }
}

TEST(Quic, goes_through_a_hello_retry_request) {
  QuicConfigs configs;
  configs.server.groups = {crypto::Group::secp384r1};
  QuicTalk talk(configs);
  talk.run();
  EXPECT_TRUE(talk.of_client.is_done && talk.client.summary().is_retried);
  EXPECT_FALSE(talk.of_client.changed_cipher_spec || talk.of_server.changed_cipher_spec);
}

TEST(Quic, an_end_without_parameters_is_told_what_is_missing) {
  QuicConfigs to_server;
  to_server.client.quic_parameters.reset();
  to_server.client.middlebox_compatibility = false;
  QuicTalk by_client(to_server);
  by_client.run();
  ASSERT_TRUE(by_client.of_server.error.has_value());
  EXPECT_EQ(to_string(by_client.of_server.error->alert), "missing_extension");
}

TEST(Quic, parameters_have_no_place_where_there_is_no_QUIC) {
  QuicConfigs configs;
  configs.server.quic_parameters.reset();
  QuicTalk talk(configs);
  talk.run();
  ASSERT_TRUE(talk.of_server.error.has_value());
  EXPECT_EQ(to_string(talk.of_server.error->alert), "unsupported_extension");
}

TEST(Quic, there_must_be_an_application_protocol) {
  QuicConfigs configs;
  configs.client.protocols.clear();
  QuicTalk talk(configs);
  talk.run();
  ASSERT_TRUE(talk.of_server.error.has_value());
  EXPECT_EQ(to_string(talk.of_server.error->alert), "no_application_protocol");
}

TEST(Quic, a_client_does_not_look_like_one_that_resumes) {
  QuicConfigs configs;
  QuicTalk talk(configs);
  talk.of_client.drain(talk.client);
  const std::vector<u8> sent = talk.of_client.sent.at(0);
  ClientHello hello = *parse_client_hello(Bytes(sent).subspan(message_header_size));
  EXPECT_TRUE(hello.session_id.empty());
  const std::array<u8, 32> id{1};
  hello.session_id = id;
  talk.of_server.hear(talk.server, {emit_client_hello(hello)});
  ASSERT_TRUE(talk.of_server.error.has_value());
  EXPECT_EQ(to_string(talk.of_server.error->alert), "illegal_parameter");
}

TEST(Quic, what_a_server_may_not_leave_out) {
  const QuicConfigs configs;
  for (const bool has_parameters : {true, false}) {
    EncryptedExtensions extensions;
    if (has_parameters)
      extensions.quic_parameters = Bytes(*configs.server.quic_parameters);
    else
      extensions.protocol = "h3";
    QuicTalk talk(configs);
    talk.of_client.drain(talk.client);
    talk.of_server.hear(talk.server, std::exchange(talk.of_client.sent, {}));
    ASSERT_EQ(talk.of_server.sent.at(1).at(0), to<u8>(HandshakeType::encrypted_extensions));
    talk.of_client.hear(talk.client, {talk.of_server.sent[0], emit(extensions)});
    ASSERT_TRUE(talk.of_client.error.has_value());
    EXPECT_EQ(to_string(talk.of_client.error->alert),
              has_parameters ? "no_application_protocol" : "missing_extension");
  }
}

TEST(Quic, keys_are_not_updated_by_a_message) {
  const QuicConfigs configs;
  QuicTalk talk(configs);
  talk.run();
  for (const bool to_client : {true, false}) {
    End& end = to_client ? talk.of_client : talk.of_server;
    if (to_client)
      end.hear(talk.client, {emit(KeyUpdate{false})});
    else
      end.hear(talk.server, {emit(KeyUpdate{false})});
    ASSERT_TRUE(end.error.has_value());
    EXPECT_EQ(to_string(end.error->alert), "unexpected_message");
  }
}

}  // namespace
}  // namespace handfast::tls
