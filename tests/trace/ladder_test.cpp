#include "trace/ladder.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/canvas.hpp"
#include "trace/conversation.hpp"

namespace handfast::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using trace::Ladder;
using trace::LadderOptions;

struct Stage {
  Ladder ladder;
  trace::Sink& of_client = ladder.endpoint("client");
  trace::Sink& of_server = ladder.endpoint("server");
  Conversation talk{of_client, of_server};
};

/// Open, a request and its answer, and the four segments of a close that the client begins.
void tell_all(Conversation& talk) {
  talk.tell(server,
            trace::StateChanged{
                {{wire::any_v4, 80}, {}}, "CLOSED", "LISTEN", {"passive open, backlog {}", 128}});
  talk.open();
  talk.at(30ms);
  const Segment request = talk.send(client, push, 1, 1, 77);
  talk.at(40ms);
  talk.receive(request);
  const Segment response = talk.send(server, push, 1, 78, 300);
  talk.at(50ms);
  talk.receive(response);
  talk.enter(client, "ESTABLISHED", "FIN_WAIT_1", {"CLOSE by the application"});
  const Segment first = talk.send(client, fin, 78, 301);
  talk.at(60ms);
  talk.receive(first);
  talk.enter(server, "ESTABLISHED", "CLOSE_WAIT", {"FIN from the peer"});
  const Segment second = talk.send(server, ack, 301, 79);
  talk.at(65ms);
  talk.enter(server, "CLOSE_WAIT", "LAST_ACK", {"CLOSE by the application"});
  const Segment third = talk.send(server, fin, 301, 79);
  talk.at(70ms);
  talk.receive(second);
  talk.enter(client, "FIN_WAIT_1", "FIN_WAIT_2", {"our FIN is acknowledged"});
  talk.at(75ms);
  talk.receive(third);
  talk.enter(client, "FIN_WAIT_2", "TIME_WAIT", {"FIN from the peer"});
  const Segment fourth = talk.send(client, ack, 79, 302);
  talk.at(85ms);
  talk.receive(fourth);
  talk.enter(server, "LAST_ACK", "CLOSED", {"our FIN is acknowledged"});
  talk.at(60075ms);
  talk.enter(client, "TIME_WAIT", "CLOSED", {"2 MSL are over"});
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    longest = std::max(longest, trace::widen(std::string_view{text}.substr(at, end - at)).size());
    at = end + 1;
  }
  return longest;
}

TEST(Ladder, shows_open_data_and_close_at_100_columns) {
  Stage stage;
  tell_all(stage.talk);
  expect_golden("whole_100.txt", stage.ladder.render({.width = 100}));
}

TEST(Ladder, shows_the_same_at_80_columns_in_pure_ascii) {
  Stage stage;
  tell_all(stage.talk);
  const std::string text = stage.ladder.render({.width = 80, .ascii = true});
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 32 && c < 127); }));
  expect_golden("whole_80_ascii.txt", text);
}

TEST(Ladder, puts_a_state_and_its_reason_on_one_line_where_there_is_room) {
  Stage stage;
  tell_all(stage.talk);
  const std::string text = stage.ladder.render({.width = 140});
  EXPECT_THAT(text, HasSubstr("SYN_RCVD  SYN accepted, backlog 1/128\n"));
  expect_golden("whole_140.txt", text);
}

TEST(Ladder, never_overflows_its_width) {
  Stage stage;
  tell_all(stage.talk);
  for (u32 width = LadderOptions::width_min; width <= 200; ++width)
    EXPECT_LE(longest_line(stage.ladder.render({.width = width})), width);
  EXPECT_LE(longest_line(stage.ladder.render({.width = 5})), LadderOptions::width_min);
}

TEST(Ladder, colour_adds_nothing_but_escape_sequences) {
  Stage stage;
  tell_all(stage.talk);
  std::string text = stage.ladder.render({.color = true});
  EXPECT_THAT(text, HasSubstr("\x1b[1;32mESTABLISHED\x1b[0m"));
  for (std::size_t at = 0; (at = text.find('\x1b', at)) != text.npos;)
    text.erase(at, text.find('m', at) - at + 1);
  EXPECT_EQ(text, stage.ladder.render({}));
}

TEST(Ladder, shows_a_lost_segment_and_the_timeout_that_repeats_it) {
  Stage stage;
  Conversation& talk = stage.talk;
  talk.enter(client, "CLOSED", "SYN_SENT", {"active open"});
  const Segment first = talk.send(client, syn, 0, 0);
  talk.at(10ms);
  talk.receive(first);
  talk.enter(server, "LISTEN", "SYN_RECEIVED", {"SYN accepted, backlog {}/{}", 1, 128});
  const Segment lost = talk.send(server, syn_ack, 0, 1);
  talk.impair(lost, "lost");
  talk.at(1000ms);
  talk.tell(client, trace::TimerFired{Conversation::flow(client), "retransmit", {}});
  const Segment again = talk.send(client, syn, 0, 0);
  talk.at(1010ms);
  talk.receive(again);
  const Segment answer = talk.send(server, syn_ack, 0, 1, 0, {"retransmission {}, time-out", 1});
  talk.at(1020ms);
  talk.receive(answer);
  talk.enter(client, "SYN_SENT", "ESTABLISHED", {"SYN,ACK accepted"});
  const std::string text = stage.ladder.render({.width = 140});
  EXPECT_THAT(text, HasSubstr("✗"));
  EXPECT_THAT(text, HasSubstr("lost on the wire"));
  EXPECT_THAT(text, HasSubstr("retransmission, retransmit timer"));
  expect_golden("lost_syn_ack.txt", stage.ladder.render({}));
}

TEST(Ladder, calls_a_repetition_a_retransmission_whatever_its_reason) {
  Stage stage;
  stage.talk.send(server, syn_ack, 0, 1);
  stage.talk.send(server, syn_ack, 0, 1, 0, {"SYN came again"});
  EXPECT_THAT(stage.ladder.render({.width = 140}), HasSubstr("retransmission: SYN came again"));
}

TEST(Ladder, segments_that_cross_have_a_departure_and_an_arrival) {
  Stage stage;
  Conversation& talk = stage.talk;
  talk.enter(client, "CLOSED", "SYN_SENT", {"active open"});
  const Segment ours = talk.send(client, syn, 0, 0);
  talk.enter(server, "CLOSED", "SYN_SENT", {"active open"});
  const Segment theirs = talk.send(server, syn, 0, 0);
  talk.at(10ms);
  talk.receive(theirs);
  talk.enter(client, "SYN_SENT", "SYN_RECEIVED", {"SYN crossed ours: simultaneous open"});
  const Segment client_ack = talk.send(client, syn_ack, 0, 1);
  talk.receive(ours);
  talk.enter(server, "SYN_SENT", "SYN_RECEIVED", {"SYN crossed ours: simultaneous open"});
  const Segment server_ack = talk.send(server, syn_ack, 0, 1);
  talk.at(20ms);
  talk.receive(server_ack);
  talk.enter(client, "SYN_RECEIVED", "ESTABLISHED", {"our SYN is acknowledged"});
  talk.receive(client_ack);
  talk.enter(server, "SYN_RECEIVED", "ESTABLISHED", {"our SYN is acknowledged"});
  const std::string text = stage.ladder.render({});
  EXPECT_THAT(text, Not(HasSubstr("retransmission")));
  expect_golden("simultaneous_open.txt", text);
}

TEST(Ladder, folds_a_long_run_of_data_and_keeps_what_is_eventful) {
  Stage stage;
  Conversation& talk = stage.talk;
  talk.open();
  for (u32 i = 0; i < 40; ++i) {
    talk.at(30ms + i * 1ms);
    const Segment data = talk.send(server, ack, 1 + i * 1448, 1, 1448);
    if (i == 20) {
      talk.impair(data, "lost");
      continue;
    }
    talk.receive(data);
    talk.receive(talk.send(client, ack, 1, 1 + (i + 1) * 1448));
  }
  const std::string text = stage.ladder.render({});
  EXPECT_THAT(text, HasSubstr("16 more from server, 23 kB"));
  EXPECT_LT(std::ranges::count(text, '\n'), 40);
  EXPECT_GT(std::ranges::count(stage.ladder.render({.fold = false}), '\n'), 80);
  expect_golden("folded.txt", text);
}

TEST(Ladder, tells_why_a_receiver_dropped_a_segment) {
  Stage stage;
  stage.talk.open();
  const Segment data = stage.talk.send(client, push, 1, 1, 10);
  stage.talk.impair(data, "corrupted");
  stage.talk.at(40ms);
  stage.talk.drop(server, data, wire::Drop::bad_checksum);
  const std::string text = stage.ladder.render({});
  EXPECT_THAT(text, HasSubstr("corrupted on the wire"));
  EXPECT_THAT(text, HasSubstr("dropped: "));
}

TEST(Ladder, a_super_segment_is_one_arrow_that_arrives_in_pieces) {
  Stage stage;
  stage.talk.open();
  stage.talk.send(server, ack, 1, 1, 4344);
  stage.talk.at(40ms);
  for (const u32 piece : {0u, 1448u}) {
    Segment part{server, {}, 1448};
    part.header.flags = ack;
    part.header.sequence = Conversation::server_isn + 1 + piece;
    part.header.acknowledgment = Conversation::client_isn + 1;
    stage.talk.receive(part);
  }
  EXPECT_EQ(stage.ladder.arrows().size(), 4u);
  EXPECT_EQ(stage.ladder.arrows().back().payload_arrived, 2896u);
  EXPECT_THAT(stage.ladder.render({}), HasSubstr("1448 bytes of it lost"));
}

TEST(Ladder, numbers_are_relative_where_the_open_was_not_seen) {
  Stage stage;
  stage.talk.send(client, push, 5000, 7000, 10);
  EXPECT_THAT(stage.ladder.render({}), HasSubstr("PSH,ACK seq 1 ack 1 len 10"));
}

TEST(Ladder, an_abort_stands_beside_its_reset) {
  Stage stage;
  stage.talk.open();
  stage.talk.at(100ms);
  stage.talk.enter(client, "ESTABLISHED", "CLOSED", {"ABORT by the application"});
  const Segment reset = stage.talk.send(client, rst, 1, 1);
  stage.talk.at(110ms);
  stage.talk.receive(reset);
  stage.talk.enter(server, "ESTABLISHED", "CLOSED", {"RST from the peer"});
  const trace::ladder::Arrow& arrow = stage.ladder.arrows().back();
  ASSERT_EQ(arrow.at_sender.size(), 1u);
  EXPECT_EQ(arrow.at_sender[0].why, "ABORT by the application");
  ASSERT_EQ(arrow.at_receiver.size(), 1u);
  EXPECT_EQ(arrow.at_receiver[0].state, "CLOSED");
}

TEST(Ladder, three_endpoints_have_three_lifelines) {
  Ladder ladder;
  trace::Sink& a = ladder.endpoint("client");
  trace::Sink& b = ladder.endpoint("proxy");
  ladder.endpoint("server");
  Conversation talk{a, b};
  talk.open();
  expect_golden("three_endpoints.txt", ladder.render({.width = 120}));
}

}  // namespace
}  // namespace handfast::test
