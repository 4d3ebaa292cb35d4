// RFC 8448's example handshakes, replayed byte for byte: what both ends of them send comes out of
// ours, and what they sent goes in.
#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "support/vectors.hpp"
#include "tls/session.hpp"

namespace handfast::tls {
namespace {

using Values = std::map<std::string, std::vector<u8>>;

/// The traces by name; each is lines of "key = hex".
const std::map<std::string, Values>& traces() {
  static const auto all = [] {
    std::map<std::string, Values> read;
    const auto path = test::vector_file("rfc8448/transcripts.vec");
    if (!path) return read;
    std::ifstream stream(*path);
    Values* values = nullptr;
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with('[')) values = &read[line.substr(1, line.find(']') - 1)];
      const std::size_t equals = line.find(" = ");
      if (equals == std::string::npos || line.starts_with("CurrentTimestamp")) continue;
      (*values)[line.substr(0, line.find(' '))] = test::from_hex(line.substr(equals + 3));
    }
    return read;
  }();
  return all;
}

/// Plays out what the trace drew.
class Drawn final : public crypto::Random {
 public:
  explicit Drawn(std::vector<u8> pool) : pool_(std::move(pool)) {}
  void fill(MutBytes out) override {
    ASSERT(out.size() <= pool_.size());
    std::copy_n(pool_.begin(), out.size(), out.begin());
    pool_.erase(pool_.begin(), pool_.begin() + to<std::ptrdiff_t>(out.size()));
  }

 private:
  std::vector<u8> pool_;
};

std::vector<u8> sent(Session& session) {
  std::vector<u8> all(20000);
  all.resize(session.take(all));
  return all;
}

std::vector<u8> sealed(Session& session, const std::vector<u8>& plaintext) {
  std::vector<u8> room(20000);
  const auto done = session.seal(plaintext, room);
  EXPECT_EQ(done.taken, plaintext.size());
  room.resize(done.written);
  return room;
}

std::vector<u8> without_header(const std::vector<u8>& record) {
  return {record.begin() + record_header_size, record.end()};
}

template <class Code>
std::vector<Code> codes(const CodeList<Code>& list) {
  std::vector<Code> all;
  for (u32 i = 0; i < list.size(); ++i) all.push_back(list[i]);
  return all;
}

class Trace {
 public:
  explicit Trace(const std::string& name) : values_(traces().at(name)) {}

  const std::vector<u8>& at(const std::string& name) const { return values_.at(name); }
  bool has(const std::string& name) const { return values_.contains(name); }

  Config config() const {
    Config config;
    config.grease = false;
    config.certificate_compression.clear();
    config.record_size_limit = 0x4001;
    const std::vector<u8> message = without_header(at("Record_ClientHello_1"));
    const auto hello = parse_client_hello(Bytes(message).subspan(message_header_size));
    config.groups = codes(hello->groups);
    config.schemes = codes(hello->schemes);
    config.middlebox_compatibility = !hello->session_id.empty();
    return config;
  }

  /// What the ends said of themselves.
  static std::vector<std::vector<u8>> chain(const std::vector<u8>& message) {
    const auto parsed = parse_certificate(Bytes(message).subspan(message_header_size));
    std::vector<std::vector<u8>> all;
    for (const auto& entry : parsed->entries())
      all.emplace_back(entry.der.begin(), entry.der.end());
    return all;
  }

 private:
  const Values& values_;
};

/// Answers what the engine asks: every certificate is good, and signatures are those of the trace.
void answer(Session& session, const Trace& trace, const std::string& prefix,
            std::vector<Ticket>* tickets = nullptr) {
  while (auto event = session.poll_event()) {
    if (std::holds_alternative<NeedVerdict>(*event)) (void)session.on_verdict({}, Instant());
    if (auto* request = std::get_if<NeedSignature>(&*event)) {
      EXPECT_EQ(request->content, trace.at(prefix + "_MessageToSign"));
      (void)session.on_signature(trace.at(prefix + "_MessageSignature"), Instant());
    }
    if (auto* ticket = std::get_if<TicketReceived>(&*event);
        ticket != nullptr && tickets != nullptr)
      tickets->push_back(std::move(ticket->ticket));
  }
}

void feed(Session& session, std::vector<u8> records) {
  const auto fed = session.feed(records, Instant());
  EXPECT_TRUE(fed.has_value()) << fed.error().why;
  EXPECT_EQ(fed.value_or(0), records.size());
}

/// The server's part, and who its client turned out to be. `issuer` knows the client's ticket.
std::vector<std::vector<u8>> replay_server(const Trace& trace, TicketIssuer* issuer = nullptr) {
  Config config = trace.config();
  config.announce_groups = true;
  crypto::SystemRandom hash_key;
  ReplayGuard guard({}, hash_key, Instant());
  config.ticket_keys = issuer;
  config.replay_guard = &guard;
  config.early_bytes_max = 1024;
  if (trace.has("Message_Server_Certificate"))
    config.identities.push_back(
        *Identity::make(Trace::chain(trace.at("Message_Server_Certificate")), std::nullopt));
  if (trace.has("Message_CertificateRequest")) config.client_auth = ClientAuth::require;
  Drawn random(trace.at("Server_RNG_Pool"));
  Session server = Session::server(config, random);
  feed(server, trace.at("Record_ClientHello_1"));
  answer(server, trace, "Server");
  std::vector<u8> wanted = trace.at("Record_ServerHello");
  std::ranges::copy(trace.at("Record_ServerHandshakeMessages"), std::back_inserter(wanted));
  EXPECT_EQ(sent(server), wanted);
  if (trace.has("Record_Client_EarlyAppData")) {
    std::vector<u8> early = trace.at("Record_Client_EarlyAppData");
    EXPECT_EQ(server.feed(early, Instant()).value_or(0), early.size());
    EXPECT_TRUE(server.is_plaintext_early());
    EXPECT_TRUE(std::ranges::equal(server.plaintext(), trace.at("Client_EarlyAppData")));
    server.consume(to<u32>(server.plaintext().size()));
  }
  std::vector<u8> flight = trace.at("Record_ClientFinished");
  if (trace.has("Record_Client_EarlyAppData")) {
    // Its second record, Finished, answers the RFC's own flight: see flight_of_rfc().
    constexpr u32 end_of_early_data_size = record_header_size + 4 + 1 + crypto::aead_tag_size;
    flight.resize(end_of_early_data_size);
    feed(server, flight);
    EXPECT_EQ(std::as_const(server).handshake().state(), State::wait_finished);
    return {};
  }
  const auto fed = server.feed(flight, Instant());
  EXPECT_TRUE(fed.has_value()) << fed.error().why;
  answer(server, trace, "Server");
  EXPECT_TRUE(server.is_connected()) << (server.error() ? server.error()->why : "");
  return server.summary().peer_chain;
}

TEST(Rfc8448, simple_1_rtt_handshake_as_the_server) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  replay_server(Trace("Simple_1RTT_Handshake"));
}
TEST(Rfc8448, middlebox_compatibility_as_the_server) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  replay_server(Trace("Middlebox_Compatibility_Mode"));
}
TEST(Rfc8448, client_authentication_as_the_server) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  EXPECT_EQ(replay_server(Trace("Client_Authentication_Handshake")).size(), 1U);
}

/// The server's flight as RFC 8448 §4 has it. There EncryptedExtensions hold an empty server_name,
/// which RFC 6066 §3 forbids in a resumption; the file's record is without, as ours is, while the
/// file's Finished and all that follows answer the RFC's.
std::vector<u8> flight_of_rfc(const Trace& trace, const Session& client,
                              const std::vector<std::string>& key_log) {
  std::vector<u8> flight = trace.at("Message_EncryptedExtensions");
  constexpr std::array<u8, 4> server_name{};
  constexpr u32 early_data_size = 4;
  flight.insert(flight.end() - early_data_size, server_name.begin(), server_name.end());
  flight[3] += server_name.size();
  flight[5] += server_name.size();
  std::ranges::copy(trace.at("Message_Server_Finished"), std::back_inserter(flight));

  const std::string& line = *std::ranges::find_if(key_log, [](const std::string& it) {
    return it.starts_with("SERVER_HANDSHAKE_TRAFFIC_SECRET ");
  });
  const std::vector<u8> secret = test::from_hex(line.substr(line.rfind(' ') + 1));
  Protection server(*client.summary().suite, crypto::Aead::Use::seal, crypto::Secret(secret));
  std::vector<u8> record(flight.size() + server.overhead());
  server.seal(ContentType::handshake, flight, record);
  return record;
}

/// The client's part, up to its close_notify; returns the tickets that came.
std::vector<Ticket> replay_client(const Trace& trace,
                                  std::vector<std::vector<u8>> client_chain = {},
                                  std::optional<Ticket> ticket = {}) {
  Config config = trace.config();
  config.client_hellos = {without_header(trace.at("Record_ClientHello_1"))};
  if (trace.has("Record_ClientHello_2"))
    config.client_hellos.push_back(without_header(trace.at("Record_ClientHello_2")));
  config.key_log = true;
  if (!client_chain.empty())
    config.identities.push_back(*Identity::make(std::move(client_chain), std::nullopt));
  Drawn random(trace.at("Client_RNG_Pool"));
  Session client = Session::client(config, "server", random, std::move(ticket), Instant());
  EXPECT_EQ(sent(client), trace.at("Record_ClientHello_1"));
  if (trace.has("Record_Client_EarlyAppData")) {
    std::vector<u8> room(100);
    room.resize(client.seal_early(trace.at("Client_EarlyAppData"), room).written);
    EXPECT_EQ(room, trace.at("Record_Client_EarlyAppData"));
  }
  if (trace.has("Record_HelloRetryRequest")) {
    feed(client, trace.at("Record_HelloRetryRequest"));
    EXPECT_EQ(sent(client), trace.at("Record_ClientHello_2"));
  }
  feed(client, trace.at("Record_ServerHello"));
  std::vector<std::string> key_log;
  while (auto event = client.poll_event())
    if (auto* line = std::get_if<KeyLogLine>(&*event)) key_log.push_back(line->line);
  feed(client, client.summary().is_resumed ? flight_of_rfc(trace, client, key_log)
                                           : trace.at("Record_ServerHandshakeMessages"));
  answer(client, trace, "Client");
  std::vector<Ticket> tickets;
  answer(client, trace, "Client", &tickets);
  EXPECT_TRUE(client.is_connected()) << (client.error() ? client.error()->why : "");
  EXPECT_EQ(sent(client), trace.at("Record_ClientFinished"));
  if (trace.has("Record_NewSessionTicket")) feed(client, trace.at("Record_NewSessionTicket"));
  answer(client, trace, "Client", &tickets);
  if (trace.has("Record_Client_AppData")) {
    EXPECT_EQ(sealed(client, trace.at("Client_AppData")), trace.at("Record_Client_AppData"));
    std::vector<u8> record = trace.at("Record_Server_AppData");
    EXPECT_TRUE(client.feed(record, Instant()).has_value());
    EXPECT_TRUE(std::ranges::equal(client.plaintext(), trace.at("Server_AppData")));
    client.consume(to<u32>(client.plaintext().size()));
  }
  client.close();
  EXPECT_EQ(sent(client), trace.at("Record_Client_CloseNotify"));
  feed(client, trace.at("Record_Server_CloseNotify"));
  EXPECT_EQ(client.end_of_input(), Ending::clean);
  return tickets;
}

TEST(Rfc8448, simple_1_rtt_handshake_as_the_client) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  const Trace trace("Simple_1RTT_Handshake");
  const std::vector<Ticket> tickets = replay_client(trace);
  ASSERT_EQ(tickets.size(), 1U);
  EXPECT_EQ(tickets[0].ticket, trace.at("SessionTicket"));
}
TEST(Rfc8448, hello_retry_request_as_the_client) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  replay_client(Trace("HelloRetryRequest_Handshake"));
}
TEST(Rfc8448, client_authentication_as_the_client) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  const Trace trace("Client_Authentication_Handshake");
  replay_client(trace, replay_server(trace));
}
TEST(Rfc8448, middlebox_compatibility_as_the_client) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  replay_client(Trace("Middlebox_Compatibility_Mode"));
}

TEST(Rfc8448, resumption_with_early_data_as_the_client) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  std::vector<Ticket> tickets = replay_client(Trace("Simple_1RTT_Handshake"));
  EXPECT_EQ(tickets.at(0).early_bytes_max, 1024U);
  replay_client(Trace("Resumed_0RTT_Handshake"), {}, std::move(tickets.at(0)));
}

/// Knows one ticket, whose session it was told.
class OneTicket final : public TicketIssuer {
 public:
  explicit OneTicket(const Ticket& ticket) : ticket_(ticket.ticket) {
    state_.suite = ticket.suite;
    state_.psk = ticket.psk.clone();
    state_.age_add = ticket.age_add;
    state_.server_name = ticket.server_name;
    state_.early_bytes_max = ticket.early_bytes_max;
  }
  Duration lifetime() const override { return 1h; }
  std::vector<u8> seal(const SessionState&, Instant) override { return {}; }
  std::optional<SessionState> open(Bytes ticket, Instant now) const override {
    EXPECT_TRUE(std::ranges::equal(ticket, ticket_));
    SessionState state;
    state.suite = state_.suite;
    state.psk = state_.psk.clone();
    state.issued = now;
    state.age_add = state_.age_add;
    state.server_name = state_.server_name;
    state.early_bytes_max = state_.early_bytes_max;
    return state;
  }

 private:
  std::vector<u8> ticket_;
  SessionState state_;
};

TEST(Rfc8448, resumption_with_early_data_as_the_server) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  const std::vector<Ticket> tickets = replay_client(Trace("Simple_1RTT_Handshake"));
  OneTicket issuer(tickets.at(0));
  replay_server(Trace("Resumed_0RTT_Handshake"), &issuer);
}

TEST(Rfc8448, the_ticket_of_the_first_trace_binds_the_hello_of_the_second) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  const std::vector<Ticket> tickets = replay_client(Trace("Simple_1RTT_Handshake"));
  const std::vector<u8> message =
      without_header(Trace("Resumed_0RTT_Handshake").at("Record_ClientHello_1"));
  const auto hello = parse_client_hello(Bytes(message).subspan(message_header_size));
  ASSERT_TRUE(hello && hello->psk_identities);
  EarlyStage early(crypto::HashAlgorithm::sha256, tickets.at(0).psk.bytes());
  const Bytes partial = Bytes(message).first(message.size() - binders_size(*hello));
  const Digest code = early.binder(crypto::hash(crypto::HashAlgorithm::sha256, partial));
  EXPECT_TRUE(std::ranges::equal(code.bytes(), binder(*hello->psk_binders, 0)));
}

TEST(Rfc8448, hellos_come_out_of_the_parser_as_they_went_in) {
  if (traces().empty()) GTEST_SKIP() << test::no_vectors;
  for (const char* name :
       {"Simple_1RTT_Handshake", "Resumed_0RTT_Handshake", "HelloRetryRequest_Handshake",
        "Client_Authentication_Handshake", "Middlebox_Compatibility_Mode"}) {
    const Trace trace(name);
    for (const char* key : {"Record_ClientHello_1", "Record_ClientHello_2"}) {
      if (!trace.has(key)) continue;
      const std::vector<u8> message = without_header(trace.at(key));
      const auto hello = parse_client_hello(Bytes(message).subspan(message_header_size));
      ASSERT_TRUE(hello.has_value()) << name;
      EXPECT_EQ(emit_client_hello(*hello), message) << name;
    }
    const std::vector<u8>& message = trace.at("Message_ServerHello");
    const auto answer = parse_server_hello(Bytes(message).subspan(message_header_size));
    ASSERT_TRUE(answer.has_value()) << name;
    EXPECT_EQ(emit_server_hello(*answer), message) << name;
  }
}

}  // namespace
}  // namespace handfast::tls
