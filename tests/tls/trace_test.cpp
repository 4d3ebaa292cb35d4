// What a session tells about itself.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls/session.hpp"
#include "tls/talk.hpp"
#include "trace/stream_event.hpp"

namespace handfast::tls {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string bracket(trace::Protection protection, std::string text) {
  switch (protection) {
    case trace::Protection::none: return text;
    case trace::Protection::early: return "(" + text + ")";
    case trace::Protection::handshake: return "{" + text + "}";
    case trace::Protection::application: return "[" + text + "]";
  }
  return text;
}

/// Writes down what it hears, as text; an event's views live only as long as it is told.
class Listener final : public trace::StreamSink {
 public:
  void on(const trace::StreamEvent& event) override {
    if (const auto* message = std::get_if<trace::TlsMessage>(&event)) {
      auto& list = message->way == trace::Way::sent ? sent : received;
      const std::string name(message->name);
      list.push_back(bracket(message->protection, name));
      fields[name] = message->fields;
      sizes[name] = message->size;
      if (message->way == trace::Way::sent) ranges.push_back(message->range);
    }
    if (const auto* state = std::get_if<trace::TlsState>(&event)) {
      states.emplace_back(state->to);
      why = state->why;
    }
    if (const auto* step = std::get_if<trace::TlsSecrets>(&event))
      secrets.push_back(fmt::format("{} from {}", step->secrets, step->from));
    if (const auto* alert = std::get_if<trace::TlsAlert>(&event))
      alerts.push_back(fmt::format("{} {}: {}",
                                   alert->way == trace::Way::sent ? "sent" : "received",
                                   alert->name, alert->why));
    if (const auto* keys = std::get_if<trace::TlsKeys>(&event)) updates += keys->is_update ? 1 : 0;
    if (const auto* record = std::get_if<trace::TlsRecord>(&event)) {
      auto& end = record->way == trace::Way::sent ? sent_end : received_end;
      EXPECT_EQ(record->range.begin, end) << "records follow each other without a gap";
      end = record->range.end;
      if (record->type == "application_data" && record->way == trace::Way::sent) data = *record;
    }
    if (const auto* passed = std::get_if<trace::TlsSkipped>(&event))
      skipped.emplace_back(passed->what);
    if (const auto* connected = std::get_if<trace::TlsConnected>(&event))
      summary = fmt::format("{} {} {}{}", connected->version, connected->suite, connected->group,
                            connected->is_resumed ? " resumed" : "");
  }

  std::vector<std::string> sent, received, states, secrets, alerts, skipped;
  std::map<std::string, std::string> fields;
  std::map<std::string, u32> sizes;
  std::vector<trace::StreamRange> ranges;
  std::string why, summary;
  u32 updates = 0;
  u64 sent_end = 0;
  u64 received_end = 0;
  trace::TlsRecord data{};
};

class TlsTrace : public testing::Test {
 protected:
  /// Both ends are listened to.
  Talk& talk(std::optional<Ticket> ticket = {}) {
    of_client = {};
    of_server = {};
    return talk_.emplace(configs, std::move(ticket), server_name, Instant(1h), &of_client,
                         &of_server);
  }

  Configs configs;
  Listener of_client;
  Listener of_server;
  std::optional<Talk> talk_;
};

TEST_F(TlsTrace, tells_every_message_of_both_ends_and_what_protects_it) {
  talk().run();
  EXPECT_THAT(of_client.sent, ElementsAre("ClientHello", "{Finished}"));
  const auto flight = ElementsAre("ServerHello", "{EncryptedExtensions}", "{CompressedCertificate}",
                                  "{CertificateVerify}", "{Finished}");
  EXPECT_THAT(of_server.sent, flight);
  EXPECT_THAT(of_client.received, flight);
  EXPECT_EQ(of_server.received, of_client.sent);
  EXPECT_EQ(of_client.sizes, of_server.sizes);
}

TEST_F(TlsTrace, tells_the_fields_of_messages_in_short) {
  configs.client.protocols = configs.server.protocols = {"http/1.1"};
  talk().run();
  EXPECT_EQ(of_client.fields["ClientHello"], "TLS1.3 SNI=server.example ALPN=http/1.1 x25519");
  EXPECT_EQ(of_client.fields["ServerHello"], "TLS1.3 AES_128_GCM_SHA256 x25519");
  EXPECT_EQ(of_client.fields["EncryptedExtensions"], "ALPN=http/1.1");
  EXPECT_EQ(of_client.fields["CompressedCertificate"], "brotli server.example ECDSA P-256");
  EXPECT_EQ(of_client.fields["CertificateVerify"], "ecdsa_secp256r1_sha256");
  EXPECT_EQ(of_client.fields, of_server.fields);
  EXPECT_EQ(of_client.summary, "TLS 1.3 TLS_AES_128_GCM_SHA256 x25519");
  configs.client.certificate_compression.clear();
  talk().run();
  EXPECT_EQ(of_client.fields["Certificate"], "server.example ECDSA P-256");
}

TEST_F(TlsTrace, tells_what_a_stranger_wrote_without_what_a_terminal_obeys) {
  configs.client.protocols = {"a\x1b[31m b"};
  talk().run();
  EXPECT_THAT(of_server.fields["ClientHello"], HasSubstr("ALPN=a?[31m?b"));
}

TEST_F(TlsTrace, tells_states_and_key_schedule_of_both_ends) {
  talk().run();
  EXPECT_THAT(of_client.states, ElementsAre("WAIT_SH", "WAIT_EE", "WAIT_CERT_CR", "WAIT_CV",
                                            "WAIT_VERDICT", "WAIT_FINISHED", "CONNECTED"));
  EXPECT_THAT(of_server.states,
              ElementsAre("NEGOTIATED", "WAIT_SIGNATURE", "WAIT_FINISHED", "CONNECTED"));
  const auto steps = ElementsAre("handshake secrets from x25519", "application secrets from ",
                                 "resumption secret from ");
  EXPECT_THAT(of_client.secrets, steps);
  EXPECT_THAT(of_server.secrets, steps);
}

TEST_F(TlsTrace, tells_the_exchange_of_TLS_1_2) {
  configs.client.version_max = Version::tls_1_2;
  talk().run();
  EXPECT_THAT(of_client.sent, ElementsAre("ClientHello", "ClientKeyExchange", "[Finished]"));
  EXPECT_THAT(of_server.sent, ElementsAre("ServerHello", "Certificate", "ServerKeyExchange",
                                          "ServerHelloDone", "[Finished]"));
  EXPECT_EQ(of_client.fields["ServerHello"], "TLS1.2 ECDHE_ECDSA_AES_128_GCM_SHA256");
  EXPECT_EQ(of_client.fields["ServerKeyExchange"], "x25519 ecdsa_secp256r1_sha256");
  EXPECT_THAT(of_client.secrets, ElementsAre("master secret from x25519"));
  EXPECT_EQ(of_client.fields, of_server.fields);
}

TEST_F(TlsTrace, says_from_what_a_resumed_session_has_its_keys) {
  crypto::SystemRandom random;
  TicketKeys keys({}, random, Instant(1h));
  configs.server.ticket_keys = &keys;
  talk().run();
  ASSERT_FALSE(talk_->tickets.empty());
  Ticket ticket = std::move(talk_->tickets.front());
  talk(std::move(ticket)).run();
  EXPECT_THAT(of_client.secrets, Contains("handshake secrets from PSK, x25519"));
  EXPECT_THAT(of_client.fields["ClientHello"], testing::EndsWith("x25519 PSK"));
  EXPECT_THAT(of_client.summary, testing::EndsWith(" resumed"));
  EXPECT_THAT(of_server.sent, Not(Contains("{Certificate}")));
}

TEST_F(TlsTrace, names_a_HelloRetryRequest) {
  configs.server.groups = {crypto::Group::secp384r1};
  talk().run();
  EXPECT_THAT(of_client.received, Contains("HelloRetryRequest"));
  EXPECT_EQ(of_client.fields["HelloRetryRequest"], "TLS1.3 AES_128_GCM_SHA256 secp384r1");
  EXPECT_THAT(of_client.skipped, Contains("ChangeCipherSpec"));
}

TEST_F(TlsTrace, gives_each_message_the_bytes_of_the_stream_that_carry_it) {
  configs.client.record_size_limit = 100;  // so that the certificate takes several records
  talk().run();
  const auto& ranges = of_server.ranges;
  ASSERT_EQ(ranges.size(), 5u);
  EXPECT_EQ(ranges[0].begin, 5u);  // behind a record's header
  EXPECT_EQ(ranges[0].end, 5u + of_server.sizes["ServerHello"]);
  for (std::size_t i = 1; i < ranges.size(); ++i) EXPECT_GT(ranges[i].begin, ranges[i - 1].end - 1);
  const u64 certificate = ranges[2].end - ranges[2].begin;
  EXPECT_GT(certificate, of_server.sizes["CompressedCertificate"] + 2 * 22);
  EXPECT_LE(ranges[4].end, of_server.sent_end - 17);  // in front of the type and the tag
}

TEST_F(TlsTrace, counts_all_bytes_of_both_ways_and_what_of_them_is_data) {
  talk().run();
  talk_->pass(talk_->client, "12345678");
  talk_->pass(talk_->client, "1234");
  EXPECT_EQ(of_client.data.content.begin, 8u);
  EXPECT_EQ(of_client.data.content.end, 12u);
  EXPECT_EQ(of_client.data.range.end - of_client.data.range.begin, 4u + 22);
  EXPECT_EQ(of_client.sent_end, of_server.received_end);
  EXPECT_EQ(of_server.sent_end, of_client.received_end);
}

TEST_F(TlsTrace, tells_both_ends_of_an_alert_and_why) {
  configs.server.suites = {CipherSuite::aes_256_gcm_sha384};
  configs.client.suites = {CipherSuite::aes_128_gcm_sha256};
  talk().run();
  ASSERT_EQ(of_server.alerts.size(), 1u);
  EXPECT_THAT(of_server.alerts[0],
              StartsWith("sent handshake_failure: no cipher suite in common; the client offers "));
  ASSERT_EQ(of_client.alerts.size(), 1u);
  EXPECT_THAT(of_client.alerts[0], StartsWith("received handshake_failure: "));
  EXPECT_EQ(of_server.states.back(), "FAILED");
  EXPECT_THAT(of_server.why, StartsWith("no cipher suite in common"));
}

TEST_F(TlsTrace, tells_close_notify_and_new_keys) {
  talk().run();
  talk_->client.update_keys(true);
  talk_->run();
  talk_->pass(talk_->server, "under the new key that was asked for");
  talk_->client.close();
  talk_->run();
  EXPECT_THAT(of_client.sent, Contains("[KeyUpdate]"));
  EXPECT_EQ(of_client.updates, 2u);
  EXPECT_EQ(of_server.updates, 2u);
  EXPECT_THAT(of_client.alerts, ElementsAre("sent close_notify: "));
  EXPECT_THAT(of_server.alerts, ElementsAre("received close_notify: "));
}

}  // namespace
}  // namespace handfast::tls
