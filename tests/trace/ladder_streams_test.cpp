// TLS and HTTP on the ladder.
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/conversation.hpp"
#include "trace/ladder.hpp"
#include "trace/stream_event.hpp"

namespace handfast::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using trace::Protection;
using trace::Way;

constexpr u32 overhead = 22;  // of a record that is protected

/// Two ends of TLS that tell what they say. Each message is a record, and knows its place.
class Stage {
 public:
  trace::Ladder ladder;
  trace::Sink& of_client = ladder.endpoint("client");
  trace::Sink& of_server = ladder.endpoint("server");
  Conversation talk{of_client, of_server};

  void tell(u32 who, const trace::StreamEvent& event) {
    talk.tell(who, trace::StreamTold{Conversation::flow(who), event});
  }
  /// Puts a message into the stream of `who`; returns the bytes that it takes there.
  u32 message(u32 who, std::string_view name, std::string_view fields, u32 size,
              Protection protection = Protection::none) {
    const u64 begin = sent_[who] + 5;
    const u32 record = size + (protection == Protection::none ? 5 : overhead);
    tell(who, trace::TlsMessage{Way::sent, protection, name, fields, size, {begin, begin + size}});
    sent_[who] += record;
    return record;
  }
  /// The same for data of the application.
  u32 data(u32 who, u32 size, Protection protection = Protection::application) {
    const u64 begin = sent_[who];
    sent_[who] += size + overhead;
    content_[who] += size;
    tell(who, trace::TlsRecord{Way::sent,
                               protection,
                               "application_data",
                               {begin, sent_[who]},
                               {content_[who] - size, content_[who]}});
    return size + overhead;
  }
  void state(u32 who, std::string_view from, std::string_view to, std::string_view why = "") {
    tell(who, trace::TlsState{who == client ? "client" : "server", from, to, why});
  }
  void request(u32 size) { tell(client, trace::HttpHead{Way::sent, true, "GET /", "", {0, size}}); }
  std::string draw(u32 width = 100) const { return ladder.render({.width = width}); }

 private:
  u64 sent_[2] = {};
  u64 content_[2] = {};
};

/// Open and the handshake of TLS 1.3; the server's flight takes two segments.
void shake_hands(Stage& stage) {
  Conversation& talk = stage.talk;
  talk.open();
  stage.state(client, "START", "WAIT_SH");
  const u32 size =
      stage.message(client, "ClientHello", "TLS1.3 SNI=example.org ALPN=http/1.1 x25519", 200);
  const Segment hello = talk.send(client, push, 1, 1, size);
  talk.at(40ms);
  talk.receive(hello);
  stage.state(server, "START", "NEGOTIATED");
  stage.tell(server, trace::TlsSecrets{"handshake secrets", "x25519"});
  stage.state(server, "NEGOTIATED", "WAIT_FINISHED");
  u32 flight = stage.message(server, "ServerHello", "TLS1.3 AES_128_GCM_SHA256 x25519", 90);
  flight +=
      stage.message(server, "EncryptedExtensions", "ALPN=http/1.1", 30, Protection::handshake);
  flight += stage.message(server, "Certificate", "example.org", 2000, Protection::handshake);
  flight += stage.message(server, "Finished", "", 36, Protection::handshake);
  const Segment first = talk.send(server, push, 1, 206, 1448);
  const Segment second = talk.send(server, push, 1449, 206, flight - 1448);
  talk.at(50ms);
  talk.receive(first);
  stage.tell(client, trace::TlsSecrets{"handshake secrets", "x25519"});
  stage.state(client, "WAIT_SH", "WAIT_EE");
  talk.receive(second);
  stage.state(client, "WAIT_EE", "CONNECTED");
  trace::TlsConnected connected{};
  connected.version = "TLS 1.3";
  stage.tell(client, connected);
}

TEST(LadderStreams, shows_the_messages_of_TLS_on_the_segments_that_carry_them) {
  Stage stage;
  shake_hands(stage);
  u32 size = stage.message(client, "Finished", "", 36, Protection::handshake);
  stage.request(60);
  size += stage.data(client, 60);
  const Segment request = stage.talk.send(client, push, 206, 2228, size);
  stage.talk.at(60ms);
  stage.talk.receive(request);
  stage.state(server, "WAIT_FINISHED", "CONNECTED");
  stage.tell(server, trace::HttpHead{Way::sent, false, "200 OK", "text/html 40 bytes", {0, 100}});
  const Segment response = stage.talk.send(server, push, 2228, 346, stage.data(server, 140));
  stage.talk.at(70ms);
  stage.talk.receive(response);
  stage.tell(client, trace::HttpEnd{Way::received, true});
  expect_golden("tls_100.txt", stage.draw());
  expect_golden("tls_80_ascii.txt", stage.ladder.render({.width = 80, .ascii = true}));
  const auto& phases = stage.ladder.phases();
  ASSERT_EQ(phases.size(), 3u);
  for (const trace::Phase& phase : phases) {
    EXPECT_EQ(phase.round_trips, 1u) << phase.what;
    EXPECT_EQ(phase.end - phase.begin, 20ms) << phase.what;
  }
  EXPECT_EQ(phases[1].what, "TLS 1.3");
  EXPECT_EQ(phases[2].what, "GET /");
}

TEST(LadderStreams, names_a_message_again_where_it_goes_on_in_another_segment) {
  Stage stage;
  shake_hands(stage);
  const std::string text = stage.draw(140);
  EXPECT_THAT(text, HasSubstr("{Certificate} example.org"));
  EXPECT_THAT(text, HasSubstr("{…Certificate} ─"));
}

TEST(LadderStreams, shows_a_message_again_on_the_segment_that_repeats_it) {
  Stage stage;
  stage.talk.open();
  const u32 size = stage.message(client, "ClientHello", "TLS1.3", 200);
  const Segment lost = stage.talk.send(client, push, 1, 1, size);
  stage.talk.impair(lost, "lost");
  stage.talk.at(1s);
  stage.talk.send(client, push, 1, 1, size);
  const std::string text = stage.draw();
  const auto first = text.find("ClientHello");
  ASSERT_NE(first, text.npos);
  EXPECT_NE(text.find("ClientHello", first + 1), text.npos);
}

TEST(LadderStreams, early_data_is_drawn_in_round_brackets_and_waits_for_nothing) {
  Stage stage;
  stage.talk.open();
  stage.state(client, "START", "WAIT_SH");
  u32 size = stage.message(client, "ClientHello", "TLS1.3 PSK early_data", 300);
  stage.request(60);
  size += stage.data(client, 60, Protection::early);
  stage.talk.send(client, push, 1, 1, size);
  EXPECT_THAT(stage.draw(), HasSubstr("(GET /)"));
  const trace::Phase& tls = stage.ladder.phases()[1];
  EXPECT_EQ(tls.end, tls.begin);
  EXPECT_EQ(tls.round_trips, 0u);
}

TEST(LadderStreams, without_TLS_places_are_those_of_the_stream) {
  Stage stage;
  stage.talk.open();
  stage.request(60);
  stage.talk.send(client, push, 1, 1, 60);
  EXPECT_THAT(stage.draw(), HasSubstr("── GET / ─"));
}

TEST(LadderStreams, an_alert_stands_on_its_arrow_and_its_reason_beside_the_end_that_sends_it) {
  Stage stage;
  shake_hands(stage);
  stage.state(client, "WAIT_EE", "FAILED", "the certificate is for example.com");
  stage.tell(client, trace::TlsAlert{Way::sent,
                                     Protection::handshake,
                                     "bad_certificate",
                                     "the certificate is for example.com",
                                     {205, 229}});
  stage.talk.send(client, push, 206, 2228, 24);
  const std::string text = stage.draw(140);
  EXPECT_THAT(text, HasSubstr("{Alert} bad_certificate"));
  EXPECT_THAT(text, HasSubstr("TLS FAILED"));
  EXPECT_THAT(text, HasSubstr("the certificate is for"));
}

TEST(LadderStreams, the_last_of_the_states_that_one_segment_leads_to_is_shown) {
  Stage stage;
  shake_hands(stage);
  EXPECT_THAT(stage.draw(), Not(HasSubstr("NEGOTIATED")));
}

TEST(RoundTrips, a_time_out_costs_time_and_no_round_trip) {
  Stage stage;
  Conversation& talk = stage.talk;
  talk.enter(client, "CLOSED", "SYN_SENT", {"active open"});
  talk.impair(talk.send(client, syn, 0, 0), "lost");
  talk.at(1s);
  const Segment again = talk.send(client, syn, 0, 0);
  talk.at(1010ms);
  talk.receive(again);
  const Segment answer = talk.send(server, syn_ack, 0, 1);
  talk.at(1020ms);
  talk.receive(answer);
  talk.enter(client, "SYN_SENT", "ESTABLISHED", {"SYN,ACK accepted"});
  ASSERT_EQ(stage.ladder.phases().size(), 1u);
  EXPECT_EQ(stage.ladder.phases()[0].round_trips, 1u);
  EXPECT_EQ(stage.ladder.phases()[0].end, Instant{1020ms});
}

TEST(RoundTrips, an_answer_that_needs_three_flights_costs_three) {
  trace::RoundTrips trips;
  const wire::Flow& ours = Conversation::flow(client);
  const wire::Flow& theirs = Conversation::flow(server);
  trips.begin(trace::RoundTrips::Kind::http, client, ours, "GET /", Instant{});
  for (int i = 0; i < 3; ++i) {
    trips.received(server, theirs, trips.sent(client, ours));
    trips.received(client, ours, trips.sent(server, theirs));
  }
  EXPECT_TRUE(trips.end(trace::RoundTrips::Kind::http, client, ours, Instant{1s}));
  EXPECT_EQ(trips.phases()[0].round_trips, 3u);
  EXPECT_FALSE(trips.end(trace::RoundTrips::Kind::http, client, ours, Instant{2s}));
}

TEST(RoundTrips, segments_of_one_flight_count_once) {
  trace::RoundTrips trips;
  const wire::Flow& ours = Conversation::flow(client);
  const wire::Flow& theirs = Conversation::flow(server);
  trips.begin(trace::RoundTrips::Kind::tcp, client, ours, "TCP", Instant{});
  const u32 steps = trips.sent(client, ours);
  for (int i = 0; i < 5; ++i) trips.received(server, theirs, steps);
  trips.received(client, ours, trips.sent(server, theirs));
  trips.end(trace::RoundTrips::Kind::tcp, client, ours, Instant{1s});
  EXPECT_EQ(trips.phases()[0].round_trips, 1u);
}

}  // namespace
}  // namespace handfast::test
