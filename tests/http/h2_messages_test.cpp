// RFC 9113 §8 between two connections of ours: what one end says the other hears.
#include <gmock/gmock.h>

#include "h2_talk.hpp"

namespace handfast::http::h2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(H2Messages, a_request_and_its_response_arrive_as_they_were_said) {
  Pair pair;
  const std::vector<Field> fields{{"Accept", "text/html"},
                                  {"Cookie", "a=1"},
                                  {"cookie", "b=2"},
                                  {"Connection", "close"},
                                  {"TE", "gzip"}};
  std::vector<Field> seen;
  pair.ask("GET", true, fields);
  pair.server.on_input(as_bytes(output(pair.client)), {});
  const auto event = pair.server.poll_event();
  const auto& head = std::get<RequestHead>(*event);
  EXPECT_EQ(head.request.method, "GET");
  EXPECT_EQ(head.request.target, "/");
  EXPECT_FALSE(head.has_content);
  std::vector<std::string> lines;
  for (const Field& field : head.request.fields)
    lines.push_back(fmt::format("{}: {}", field.name, field.value));
  EXPECT_THAT(lines, ElementsAre("host: a", "accept: text/html", "cookie: a=1; b=2"));
  EXPECT_THAT(events(pair.server), ElementsAre("1: end"));

  const std::array answer{Field{"Content-Length", "5"}, Field{"X", ""}};
  ASSERT_TRUE(*pair.server.respond(1, {200, {}, 1, answer}, false));
  EXPECT_EQ(send_some(pair.server, 1, "hello"), 5u);
  ASSERT_TRUE(pair.server.finish(1));
  pair.run();
  EXPECT_THAT(pair.at_client, ElementsAre("1: 200", "1: \"hello\"", "1: end"));
}

TEST(H2Messages, trailers_go_both_ways) {
  Pair pair;
  const StreamId id = pair.ask("POST", false);
  EXPECT_EQ(send_some(pair.client, id, "in"), 0u) << "the head goes first";
  pair.run();
  EXPECT_EQ(pair.at_client.back(), "1: room");
  pair.at_client.clear();
  EXPECT_EQ(send_some(pair.client, id, "in"), 2u);
  {
    const std::string name = "X-Sum";  // gone before it is sent
    const std::array trailers{Field{name, "1"}};
    ASSERT_TRUE(pair.client.finish(id, trailers));
  }
  pair.run();
  EXPECT_THAT(pair.at_server, ElementsAre("1: POST / ...", "1: \"in\"", "1: end x-sum"));
  pair.server.respond(id, {200}, false);
  const std::array trailers{Field{"Y-Sum", "2"}};
  ASSERT_TRUE(pair.server.finish(id, trailers));
  pair.run();
  EXPECT_THAT(pair.at_client, ElementsAre("1: 200", "1: end y-sum"));
}

TEST(H2Messages, informational_responses_come_before_the_final_one) {
  Pair pair;
  const StreamId id = pair.ask("POST", false);
  pair.run();
  ASSERT_TRUE(*pair.server.respond(id, {100}, false));
  ASSERT_TRUE(*pair.server.respond(id, {103}, false));
  ASSERT_TRUE(*pair.server.respond(id, {204}, true));
  EXPECT_FALSE(*pair.server.respond(id, {200}, true)) << "a second answer";
  pair.run();
  EXPECT_THAT(pair.at_client, ElementsAre("1: 100", "1: 103", "1: 204", "1: end"));
}

TEST(H2Messages, many_requests_share_a_connection_and_are_answered_in_any_order) {
  Pair pair;
  for (int i = 0; i < 3; ++i) pair.ask();
  pair.run();
  for (const StreamId id : {5u, 1u, 3u}) pair.server.respond(id, {204}, true);
  pair.run();
  EXPECT_THAT(pair.at_client,
              ElementsAre("5: 204", "5: end", "1: 204", "1: end", "3: 204", "3: end"));
}

TEST(H2Messages, a_fields_line_break_is_refused_before_it_is_sent) {
  Pair pair;
  const StreamId id = pair.ask();
  pair.run();
  const std::array bad{Field{"X", "a\r\nSet-Cookie: b"}};
  EXPECT_FALSE(pair.server.respond(id, {200, {}, 1, bad}, true));
  EXPECT_FALSE(pair.client.request({"GET", "/ ", 1, {}}, false, true));
  EXPECT_FALSE(pair.client.request({"CONNECT", "/", 1, {}}, false, true));
}

TEST(H2Messages, content_waits_for_the_peers_window_and_is_told_when_it_may_go_on) {
  Config small;
  small.stream_window_max = 1000;
  Pair pair(small);
  const StreamId id = pair.ask();
  pair.run();
  pair.server.respond(id, {200}, false);
  const std::string text(2500, 'x');
  EXPECT_EQ(send_some(pair.server, id, text), 1000u);
  EXPECT_EQ(send_some(pair.server, id, text), 0u);
  // The client's events take the content, and give its window back.
  pair.run();
  EXPECT_EQ(pair.at_server.back(), "1: room");
  EXPECT_EQ(send_some(pair.server, id, text), 1000u);
}

TEST(H2Messages, what_is_not_consumed_keeps_the_sender_waiting) {
  Config small;
  small.stream_window_max = 1000;
  Pair pair({}, small);
  const StreamId id = pair.ask("POST", false);
  pair.run();
  send_some(pair.client, id, std::string(1000, 'x'));
  pair.server.on_input(as_bytes(output(pair.client)), {});
  u32 held = 0;
  while (const auto event = pair.server.poll_event())
    if (const auto* content = std::get_if<Content>(&*event)) held += to<u32>(content->bytes.size());
  EXPECT_EQ(held, 1000u);
  pair.run();
  EXPECT_EQ(send_some(pair.client, id, "x"), 0u);
  pair.server.consume(id, held);
  pair.run();
  EXPECT_EQ(send_some(pair.client, id, "x"), 1u);
}

TEST(H2Messages, what_all_streams_keep_is_bounded) {
  Config config;
  config.stream_send_max = 1000;
  config.connection_send_max = 2500;
  Pair pair({}, config);
  for (int i = 0; i < 4; ++i) pair.ask();
  pair.run();
  std::vector<std::size_t> sent;
  for (const StreamId id : {1u, 3u, 5u, 7u}) {
    pair.server.respond(id, {200}, false);
    sent.push_back(send_some(pair.server, id, std::string(4000, 'x')));
  }
  EXPECT_THAT(sent, ElementsAre(1000, 1000, 500, 0));
  pair.run();
  EXPECT_THAT(Lines(pair.at_server.end() - 4, pair.at_server.end()),
              ElementsAre("1: room", "3: room", "5: room", "7: room"));
}

TEST(H2Messages, a_reset_is_told_once_and_ends_the_stream_for_both) {
  Pair pair;
  const StreamId id = pair.ask("POST", false);
  pair.run();
  pair.at_server.clear();
  pair.client.reset(id, Code::cancel);
  pair.run();
  EXPECT_THAT(pair.at_server, ElementsAre("1: CANCEL"));
  EXPECT_THAT(pair.at_client, IsEmpty());
  EXPECT_FALSE(pair.server.is_open(id));
  EXPECT_FALSE(*pair.server.respond(id, {200}, true));
  EXPECT_TRUE(pair.server.send_space(id, 10).empty());
  pair.server.release(id);
  pair.client.release(id);
  EXPECT_EQ(pair.server.streams_open() + pair.client.streams_open(), 0u);
}

TEST(H2Messages, a_request_answered_early_is_asked_to_end_without_an_error) {
  Pair pair;
  const StreamId id = pair.ask("POST", false);
  pair.run();
  pair.server.respond(id, {413}, true);
  pair.server.release(id);
  pair.run();
  EXPECT_THAT(pair.at_client, ElementsAre("1: 413", "1: end", "1: NO_ERROR"));
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(H2Messages, a_request_released_without_an_answer_is_reset) {
  Pair pair;
  const StreamId id = pair.ask();
  pair.run();
  pair.server.release(id);
  pair.run();
  EXPECT_THAT(pair.at_client, ElementsAre("1: INTERNAL_ERROR"));
}

TEST(H2Messages, a_graceful_end_serves_what_was_asked_before_it_was_heard_of) {
  Pair pair;
  pair.ask();
  pair.run();
  pair.server.shut_down();
  pair.client.on_input({}, {});
  const std::string notice = output(pair.server);
  pair.ask();  // crosses the notice
  pair.server.on_input(as_bytes(output(pair.client)), {});
  EXPECT_THAT(events(pair.server), ElementsAre("3: GET /", "3: end"));
  pair.client.on_input(as_bytes(notice), {});
  pair.run();
  EXPECT_FALSE(pair.server.is_over());
  EXPECT_EQ(pair.client.requests_left(), 0u);
  for (const StreamId id : {1u, 3u}) {
    pair.server.respond(id, {204}, true);
    pair.server.release(id);
  }
  pair.run();
  EXPECT_THAT(pair.at_client,
              ElementsAre("going away after 2147483647: NO_ERROR", "going away after 3: NO_ERROR",
                          "1: 204", "1: end", "3: 204", "3: end"));
  EXPECT_TRUE(pair.server.is_over());
  EXPECT_FALSE(pair.server.fault());
}

TEST(H2Messages, when_the_stream_below_ends_every_request_ends) {
  Pair pair;
  pair.ask();
  pair.ask();
  pair.run();
  pair.client.on_end_of_input();
  EXPECT_THAT(events(pair.client), ElementsAre("3: CANCEL", "1: CANCEL"));
  EXPECT_EQ(pair.client.fault()->why, "the stream ended");
}

TEST(H2Messages, a_client_waits_with_requests_that_the_server_has_no_place_for) {
  Config config;
  config.streams_max = 2;
  Pair pair({}, config);
  EXPECT_EQ(pair.client.requests_left(), 2u);
  for (int i = 0; i < 3; ++i) pair.ask();
  EXPECT_EQ(pair.client.requests_left(), 0u);
  pair.run();
  EXPECT_THAT(pair.at_server, ElementsAre("1: GET /", "1: end", "3: GET /", "3: end"));
  pair.server.respond(1, {204}, true);
  pair.server.release(1);
  pair.run();
  EXPECT_EQ(pair.at_server.back(), "5: end");
}

TEST(H2Messages, bytes_that_come_one_at_a_time_are_the_same_bytes) {
  Connection client(Role::client);
  Connection server(Role::server);
  const std::array fields{Field{"Host", "a"}};
  ASSERT_TRUE(client.request({"POST", "/x", 1, fields}, true, false));
  const std::string head = output(client);
  for (const char& byte : head) server.on_input(as_bytes({&byte, 1}), {});
  EXPECT_THAT(events(server), ElementsAre("1: POST /x ..."));
}

}  // namespace
}  // namespace handfast::http::h2
