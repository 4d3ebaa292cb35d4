// What an HTTP/2 server makes of a peer that breaks the protocol, or uses it against us: each limit
// has a reason that the peer hears.
#include <gmock/gmock.h>

#include "h2_talk.hpp"

namespace handfast::http::h2 {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Lines ending_of(const Pairs& fields, u8 flags = end_stream | end_headers) {
  Server server;
  server.say(frame(frame_headers, flags, 1, hpack(fields)));
  EXPECT_THAT(server.lines, IsEmpty());
  EXPECT_EQ(server.connection.streams_open(), 0u);
  return endings(server.sent);
}

Pairs with(Pairs fields, const std::string& name, const std::string& value) {
  fields.emplace_back(name, value);
  return fields;
}

TEST(H2Hostile, malformed_requests_are_reset_and_never_told) {
  const Lines reset{"1: PROTOCOL_ERROR"};
  const Pairs good = get_fields();
  EXPECT_EQ(ending_of(with(good, "host", "b")), reset) << "another host than :authority";
  EXPECT_EQ(ending_of(with(good, "Upper", "1")), reset);
  EXPECT_EQ(ending_of(with(good, "connection", "close")), reset);
  EXPECT_EQ(ending_of(with(good, "transfer-encoding", "chunked")), reset);
  EXPECT_EQ(ending_of(with(good, "te", "gzip")), reset);
  EXPECT_EQ(ending_of(with(good, "x", "a\nb")), reset);
  EXPECT_EQ(ending_of(with(good, "x", " a")), reset);
  EXPECT_EQ(ending_of(with(good, "x y", "a")), reset);
  EXPECT_EQ(ending_of(with(good, ":path", "/2")), reset);
  EXPECT_EQ(ending_of(with(good, ":unknown", "1")), reset);
  EXPECT_EQ(ending_of(with(good, "content-length", "1")), reset) << "and no content";
  EXPECT_EQ(ending_of({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), reset)
      << "no host at all";
  EXPECT_EQ(ending_of({{":method", "GET"}, {":scheme", "x"}, {":path", "/"}}), reset);
  EXPECT_EQ(
      ending_of({{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "a"}}),
      reset);
  EXPECT_EQ(
      ending_of(
          {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "user@a"}}),
      reset);
  EXPECT_EQ(
      ending_of({{":method", "GET"}, {":scheme", "http"}, {":path", ""}, {":authority", "a"}}),
      reset);
}

TEST(H2Hostile, requests_that_are_understood_and_too_much_are_for_an_answer) {
  Config config;
  config.http.fields_max = 3;
  config.http.target_bytes_max = 100;
  Server server(config);
  Pairs fields = get_fields();
  for (int i = 0; i < 4; ++i) fields.emplace_back("x", "y");
  server.say(frame(frame_headers, end_stream | end_headers, 1, hpack(fields)));
  EXPECT_THAT(server.lines, ElementsAre(HasSubstr("1: refused 431"), "1: end"));
  server.say(frame(frame_headers, end_stream | end_headers, 3,
                   hpack(get_fields("/" + std::string(100, 'p')))));
  EXPECT_THAT(server.lines, ElementsAre(HasSubstr("3: refused 414"), "3: end"));
  server.say(frame(frame_headers, end_stream | end_headers, 5,
                   hpack({{":method", "CONNECT"}, {":authority", "a:1"}})));
  EXPECT_THAT(server.lines, ElementsAre(HasSubstr("5: refused 501"), "5: end"));
  for (const StreamId id : {1u, 3u, 5u}) EXPECT_TRUE(*server.connection.respond(id, {431}, true));
}

TEST(H2Hostile, a_header_bomb_is_counted_as_decoded) {
  Server server;
  // One field of 200 bytes into the table, and then its index (62) 15,000 times.
  const std::string value(200, 'b');
  std::string block = hpack(get_fields()) + '\x40' + '\1' + 'b' + '\x7f' + to<char>(200 - 127) +
                      value + std::string(15'000, '\xbe');
  server.say(frame(frame_headers, end_stream | end_headers, 1, block));
  EXPECT_THAT(server.lines, ElementsAre(HasSubstr("1: refused 431"), "1: end"));
  EXPECT_FALSE(server.connection.is_over());
}

TEST(H2Hostile, rapid_resets_end_the_connection) {
  Config config;
  config.resets_burst_max = 10;
  config.resets_per_second_max = 1;
  Server server(config);
  StreamId id = 1;
  const auto open_and_reset = [&] {
    server.say(get(id) + frame(frame_rst_stream, 0, id, number(8)));
    id += 2;
  };
  for (int i = 0; i < 10; ++i) open_and_reset();
  EXPECT_FALSE(server.connection.is_over());
  EXPECT_EQ(server.connection.streams_open(), 0u);
  server.say("", 3s);
  for (int i = 0; i < 3; ++i) open_and_reset();
  EXPECT_FALSE(server.connection.is_over()) << "three more after three seconds";
  open_and_reset();
  EXPECT_THAT(endings(server.sent),
              ElementsAre("ENHANCE_YOUR_CALM too many streams were opened and reset"));
  EXPECT_TRUE(server.connection.is_over());
  EXPECT_EQ(server.connection.fault()->code, Code::enhance_your_calm);
}

TEST(H2Hostile, streams_that_are_reset_by_us_count_as_well) {
  Config config;
  config.resets_burst_max = 10;
  Server server(config);
  std::string all;
  for (StreamId id = 1; id < 40; id += 2)
    all += frame(frame_headers, end_stream | end_headers, id, hpack(with(get_fields(), "te", "x")));
  server.say(all);
  EXPECT_THAT(endings(server.sent).back(),
              HasSubstr("ENHANCE_YOUR_CALM too many streams had to be refused or reset"));
}

TEST(H2Hostile, a_reset_makes_no_room_for_another_request_until_the_handler_is_done) {
  Config config;
  config.streams_max = 2;
  Server server(config);
  server.say(get(1) + get(3));
  server.say(frame(frame_rst_stream, 0, 1, number(8)) + frame(frame_rst_stream, 0, 3, number(8)));
  EXPECT_THAT(server.lines, ElementsAre("1: CANCEL", "3: CANCEL"));
  server.say(get(5));
  EXPECT_THAT(server.lines, IsEmpty());
  EXPECT_THAT(endings(server.sent), ElementsAre("5: REFUSED_STREAM"));
  server.connection.release(1);
  server.say(get(7));
  EXPECT_THAT(server.lines, ElementsAre("7: GET /", "7: end"));
}

TEST(H2Hostile, heads_that_are_reset_before_they_are_told_take_no_memory) {
  Server server;
  std::string all;
  for (StreamId id = 1; id < 400; id += 2)
    all += get(id) + frame(frame_rst_stream, 0, id, number(8));
  server.say(all);
  EXPECT_THAT(server.lines, IsEmpty());
  EXPECT_EQ(server.connection.streams_open(), 0u);
}

TEST(H2Hostile, floods_of_frames_that_help_no_message_end_the_connection) {
  Config config;
  config.idle_frames_burst_max = 100;
  const auto flood = [&](const std::string& what) {
    Server server(config);
    server.say(get(1, end_headers));
    std::string all;
    for (int i = 0; i < 120; ++i) all += what;
    server.say(all);
    const Lines told = endings(server.sent);
    return told.empty() ? "nothing" : told.front();
  };
  const std::string reason =
      "ENHANCE_YOUR_CALM too many frames that bring no message nearer its end";
  EXPECT_EQ(flood(frame(frame_ping, 0, 0, std::string(8, 'p'))), reason);
  EXPECT_EQ(flood(frame(frame_settings, 0, 0, "")), reason);
  EXPECT_EQ(flood(frame(frame_priority, 0, 1, std::string(5, '\0'))), reason);
  EXPECT_EQ(flood(frame(frame_data, 0, 1, "")), reason);
  EXPECT_EQ(flood(frame(FrameType{0xbb}, 0, 0, "")), "nothing") << "it costs nothing but its bytes";
}

TEST(H2Hostile, a_peer_that_reads_nothing_cannot_pile_up_answers) {
  Config config;
  config.frames_waiting_max = 50;
  Server server(config);
  const std::string ping = frame(frame_ping, 0, 0, std::string(8, 'p'));
  for (int i = 0; i < 60; ++i) server.connection.on_input(as_bytes(ping), server.now);
  EXPECT_EQ(server.connection.fault()->code, Code::enhance_your_calm);
  EXPECT_LT(output(server.connection).size(), 60 * ping.size());
}

TEST(H2Hostile, a_section_in_too_many_continuations_ends_the_connection) {
  Config config;
  config.continuations_max = 4;
  Server server(config);
  std::string all = get(1, end_stream);
  for (int i = 0; i < 5; ++i) all += frame(frame_continuation, 0, 1, hpack({{"x", "y"}}));
  server.say(all);
  EXPECT_THAT(endings(server.sent),
              ElementsAre("ENHANCE_YOUR_CALM a section of fields goes on in too many frames"));
}

TEST(H2Hostile, a_number_that_was_passed_over_does_not_come_back) {
  Server server;
  server.say(get(7) + get(5));
  EXPECT_THAT(endings(server.sent),
              ElementsAre("PROTOCOL_ERROR a stream's number is lower than one before"));
}

TEST(H2Hostile, settings_that_raise_a_window_too_far_end_the_connection) {
  const auto settings = [](u32 window) {
    return frame(frame_settings, 0, 0, number(4, 2) + number(window));
  };
  Server server;
  server.say(get(1, end_headers) + frame(frame_window_update, 0, 1, number(0x7fe0'0000)));
  server.say(settings(0x000f'ffff));
  EXPECT_THAT(endings(server.sent), IsEmpty());
  server.say(settings(0x7fff'ffff));
  EXPECT_THAT(endings(server.sent),
              Contains("FLOW_CONTROL_ERROR SETTINGS raise a window above 2^31-1"));
}

TEST(H2Hostile, what_is_not_http2_is_told_so) {
  Connection server(Role::server);
  server.on_input(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), {});
  EXPECT_EQ(server.fault()->why, "what came is not HTTP/2");
  output(server);
  EXPECT_TRUE(server.is_over());
}

TEST(H2Hostile, a_broken_connection_resets_every_stream_with_a_reason) {
  Server server;
  server.say(get(1) + get(3));
  server.say(frame(frame_data, 0, 0, "x"));
  EXPECT_THAT(endings(server.sent), ElementsAre("PROTOCOL_ERROR DATA: stream_id == 0"));
  EXPECT_THAT(events(server.connection), ElementsAre("3: PROTOCOL_ERROR", "1: PROTOCOL_ERROR"));
  EXPECT_TRUE(server.connection.is_over());
  EXPECT_EQ(server.connection.fault()->why, "DATA: stream_id == 0");
}

TEST(H2Hostile, a_client_bounds_informational_responses_and_heads) {
  Config config;
  config.http.informational_max = 3;
  Connection client(Role::client, config);
  const std::array fields{Field{"Host", "a"}};
  ASSERT_TRUE(client.request({"GET", "/", 1, fields}, false, true));
  output(client);
  std::string all = frame(frame_settings, 0, 0, "");
  for (int i = 0; i < 5; ++i)
    all += frame(frame_headers, end_headers, 1, hpack({{":status", "103"}}));
  client.on_input(as_bytes(all), {});
  EXPECT_THAT(endings(output(client)), ElementsAre("1: ENHANCE_YOUR_CALM"));
  EXPECT_EQ(events(client).back(), "1: ENHANCE_YOUR_CALM");
}

}  // namespace
}  // namespace handfast::http::h2
