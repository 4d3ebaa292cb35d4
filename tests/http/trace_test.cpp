// What a connection tells of the messages that it carries.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/talk.hpp"
#include "trace/stream_event.hpp"

namespace handfast::http {
namespace {

using testing::ElementsAre;

class Listener final : public trace::StreamSink {
 public:
  void on(const trace::StreamEvent& event) override {
    const auto arrow = [](trace::Way way) { return way == trace::Way::sent ? "->" : "<-"; };
    if (const auto* head = std::get_if<trace::HttpHead>(&event))
      lines.push_back(fmt::format("{} {} ({}) at {} to {}", arrow(head->way), head->line,
                                  head->fields, head->range.begin, head->range.end));
    if (const auto* end = std::get_if<trace::HttpEnd>(&event))
      lines.push_back(fmt::format("{} end, {}", arrow(end->way),
                                  end->is_kept_alive ? "kept alive" : "the last"));
    if (const auto* refused = std::get_if<trace::HttpRefused>(&event))
      lines.push_back(fmt::format("{} {}", refused->status, refused->section));
  }
  std::vector<std::string> lines;
};

TEST(HttpTrace, tells_heads_and_ends_and_where_they_are_in_the_stream) {
  Listener of_client;
  Listener of_server;
  Connection client(Role::client);
  Connection server(Role::server);
  client.trace_to(&of_client);
  server.trace_to(&of_server);
  const std::array host{Field{"Host", "a"}};
  const std::array page{Field{"Content-Type", "text/html; charset=utf-8"},
                        Field{"Content-Length", "4"}};
  for (int i = 0; i < 2; ++i) {
    const std::string request = sent(client, Request{"GET", "/", 1, host});
    ASSERT_EQ(sent(client, EndOfMessage{}), "");
    events(server, request);
    const std::string response = answer(server, 200, page, "page");
    ASSERT_EQ(request.size(), 27u);
    ASSERT_EQ(response.size(), 82u);
    events(client, response);
  }
  EXPECT_THAT(of_client.lines,
              ElementsAre("-> GET / () at 0 to 27", "-> end, kept alive",
                          "<- 200 OK (text/html 4 bytes) at 0 to 78", "<- end, kept alive",
                          "-> GET / () at 27 to 54", "-> end, kept alive",
                          "<- 200 OK (text/html 4 bytes) at 82 to 160", "<- end, kept alive"));
  EXPECT_EQ(of_server.lines[5], "<- end, kept alive");
  EXPECT_EQ(of_server.lines[6], "-> 200 OK (text/html 4 bytes) at 82 to 160");
}

TEST(HttpTrace, tells_that_a_message_is_the_last) {
  Listener of_server;
  Connection server(Role::server);
  server.trace_to(&of_server);
  events(server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(of_server.lines,
              ElementsAre("<- GET / (Connection: close) at 0 to 46", "<- end, the last"));
}

TEST(HttpTrace, tells_what_was_refused_and_by_which_rule) {
  Listener of_server;
  Connection server(Role::server);
  server.trace_to(&of_server);
  events(server, "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  EXPECT_THAT(of_server.lines, ElementsAre("400 RFC 9112 §5.1"));
}

}  // namespace
}  // namespace handfast::http
