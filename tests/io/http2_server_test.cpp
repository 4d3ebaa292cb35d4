// HTTP/2 for the same handlers, over our own TCP in virtual time. The client is the engine alone.
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/h2_talk.hpp"
#include "io/http_server_fixture.hpp"

namespace handfast::io {
namespace {

using http::Field;
using http::Role;
using http::h2::Code;
using http::h2::Lines;
using http::h2::StreamId;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using Engine = http::h2::Connection;

class Http2 : public HttpHandlers {
 protected:
  /// Runs a client until the server closes: `begin` asks, and what it hears goes to `heard`.
  void talk(const std::function<void(Engine&)>& begin, Duration time = 300s) {
    stacks.spawn(run_client(begin));
    stacks.run_for(time);
  }
  asio::awaitable<void> run_client(std::function<void(Engine&)> begin) {
    TcpStream stream = co_await connected();
    Engine engine(Role::client, config);
    client = &engine;
    begin(engine);
    std::error_code error;
    while (!error && !engine.is_over()) {
      const std::string out = http::h2::output(engine);
      co_await asio::async_write(stream, asio::buffer(out),
                                 asio::redirect_error(asio::use_awaitable, error));
      take_events(engine);
      if (engine.wants_output()) continue;
      std::vector<u8> room(20'000);
      const std::size_t n = co_await stream.async_read_some(
          asio::buffer(room), asio::redirect_error(asio::use_awaitable, error));
      engine.on_input(Bytes(room).first(n), stacks.now());
      take_events(engine);
    }
    client = nullptr;
    ended = stacks.now();
    heard.push_back(!error || error == asio::error::eof ? "closed" : error.message());
  }
  void take_events(Engine& engine) {
    while (const auto event = engine.poll_event()) {
      if (const auto* content = std::get_if<http::h2::Content>(&*event)) {
        received[content->stream] += as_text(content->bytes);
        if (content->stream != not_read)
          engine.consume(content->stream, to<u32>(content->bytes.size()));
      } else {
        heard.push_back(http::h2::describe(*event));
      }
      if (on_event) on_event(engine, *event);
    }
  }
  static StreamId ask(Engine& engine, std::string_view method, std::string_view target,
                      bool ends = true, std::vector<Field> fields = {}) {
    fields.push_back({"Host", "a"});
    const auto id = engine.request({method, target, 1, fields}, false, ends);
    EXPECT_TRUE(id);
    return *id;
  }

  http::h2::Config config;
  Engine* client = nullptr;
  StreamId not_read = 0;
  std::function<void(Engine&, const http::h2::Event&)> on_event;
  Lines heard;
  std::map<StreamId, std::string> received;
  Instant ended{};
};

/// Sends `content` on a stream as its window allows.
std::function<void(Engine&, const http::h2::Event&)> sender(std::string content,
                                                            http::Fields trailers = {}) {
  return [content = std::move(content), trailers, sent = std::size_t{0}](
             Engine& engine, const http::h2::Event& event) mutable {
    const auto* writable = std::get_if<http::h2::Writable>(&event);
    if (writable == nullptr) return;
    sent += http::h2::send_some(engine, writable->stream, std::string_view(content).substr(sent));
    if (sent == content.size()) {
      EXPECT_TRUE(engine.finish(writable->stream, trailers));
    }
  };
}

TEST_F(Http2, streams_content_both_ways_and_trailers) {
  serve(echo);
  const std::string content = pattern(700'000);
  const std::array trailers{Field{"Sum", "7"}};
  on_event = sender(content, trailers);
  talk([](Engine& engine) {
    const StreamId id = ask(engine, "POST", "/x", false);
    EXPECT_EQ(http::h2::send_some(engine, id, "x"), 0u);  // asks to be told
  });
  EXPECT_TRUE(received[1] == content);
  EXPECT_THAT(heard, Contains("1: 200"));
  EXPECT_THAT(heard, Contains("1: end sum"));
  EXPECT_THAT(log, ElementsAre("POST /x 200 700000"));
}

TEST_F(Http2, tells_a_handler_what_HTTP1_would) {
  std::string seen;
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    const HttpRequest& request = exchange.request();
    seen = fmt::format("{} {} {} {}.{} {} cookie={}", request.method, request.path(),
                       request.authority, request.major_version, request.minor_version,
                       request.has_content, request.fields.find("cookie").value_or(""));
    return say(exchange, "x");
  });
  talk([](Engine& engine) {
    ask(engine, "GET", "/a?b", true, {{"cookie", "a=1"}, {"cookie", "b=2"}});
  });
  EXPECT_EQ(seen, "GET /a a 2.0 false cookie=a=1; b=2");
}

TEST_F(Http2, lets_no_slow_answer_hold_up_a_quick_one) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    const bool is_slow = exchange.request().target == "/slow";
    if (is_slow) co_await stacks.server->async_sleep(5s, asio::use_awaitable);
    co_await say(exchange, is_slow ? "slow" : "quick");
  });
  talk([](Engine& engine) {
    ask(engine, "GET", "/slow");
    ask(engine, "GET", "/quick");
  });
  EXPECT_THAT(log, ElementsAre("GET /quick 200 5", "GET /slow 200 4"));
  EXPECT_THAT(Lines(heard.begin(), heard.begin() + 4),
              ElementsAre("3: 200", "3: end", "1: 200", "1: end"));
}

TEST_F(Http2, holds_no_more_for_a_slow_reader_than_it_may_and_serves_the_others) {
  HttpServerOptions options;
  options.write_timeout = 1000s;
  u64 written = 0;
  serve(
      [&](HttpExchange& exchange) -> asio::awaitable<void> {
        const bool is_slow = exchange.request().target == "/slow";
        const HttpResponse response;
        std::error_code error = co_await exchange.send_head(response);
        const std::string piece(10'000, 'x');
        for (int i = 0; i < 100 && !error; ++i) {
          error = co_await exchange.write(as_bytes(piece));
          if (is_slow && !error) written += piece.size();
        }
        if (!error) co_await exchange.finish();
      },
      options);
  config.stream_window_max = 100'000;
  not_read = 1;
  talk(
      [](Engine& engine) {
        ask(engine, "GET", "/slow");
        ask(engine, "GET", "/quick");
      },
      60s);
  EXPECT_EQ(written, 100'000u) << "what the client's window takes";
  EXPECT_EQ(received[3].size(), 1'000'000u);
  EXPECT_THAT(log, ElementsAre("GET /quick 200 1000000"));
}

TEST_F(Http2, makes_a_client_wait_that_sends_faster_than_a_handler_reads) {
  u64 taken = 0;
  HttpServerOptions options;
  options.http2.stream_window_max = 50'000;
  serve(
      [&](HttpExchange& exchange) -> asio::awaitable<void> {
        co_await stacks.server->async_sleep(20s, asio::use_awaitable);
        HttpPiece piece;
        do {
          piece = co_await exchange.read();
          taken += piece.bytes.size();
        } while (!piece.error && !piece.bytes.empty());
        co_await say(exchange, "all");
      },
      options);
  u64 sent = 0;
  on_event = [&](Engine& engine, const http::h2::Event& event) {
    const auto* writable = std::get_if<http::h2::Writable>(&event);
    if (writable == nullptr) return;
    sent += http::h2::send_some(engine, 1, std::string(300'000 - sent, 'x'));
    if (sent == 300'000) {
      EXPECT_TRUE(engine.finish(1));
    }
  };
  const auto begin = [](Engine& engine) {
    ask(engine, "PUT", "/", false);
    http::h2::send_some(engine, 1, "x");
  };
  talk(begin, 19s);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(sent, 65'535u) << "what a client may send before it has heard of our window";
  stacks.run_for(20s);
  EXPECT_EQ(taken, 300'000u);
  EXPECT_EQ(received[1], "all");
}

TEST_F(Http2, has_100_sent_by_reading_and_not_by_answering) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    std::string content;
    if (exchange.request().target == "/read") co_await exchange.read_all(content, 100);
    co_await say(exchange, "got " + content);
  });
  on_event = [](Engine& engine, const http::h2::Event& event) {
    const auto* head = std::get_if<http::h2::ResponseHead>(&event);
    if (head == nullptr || head->response.status != 100) return;
    EXPECT_EQ(http::h2::send_some(engine, head->stream, "abc"), 3u);
    EXPECT_TRUE(engine.finish(head->stream));
  };
  talk([](Engine& engine) {
    for (const char* target : {"/read", "/unread"})
      ask(engine, "PUT", target, false, {{"Expect", "100-continue"}});
  });
  EXPECT_EQ(received[1], "got abc");
  EXPECT_THAT(heard, Contains("1: 100"));
  EXPECT_THAT(heard, Not(Contains("3: 100")));
}

TEST_F(Http2, ends_a_handlers_wait_when_the_client_takes_its_request_back) {
  std::string outcome;
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await exchange.send_informational(103, {});
    const HttpPiece piece = co_await exchange.read();
    outcome = piece.error.message();
  });
  on_event = [](Engine& engine, const http::h2::Event& event) {
    if (std::holds_alternative<http::h2::ResponseHead>(event)) engine.reset(1, Code::cancel);
  };
  talk([](Engine& engine) { ask(engine, "PUT", "/", false); });
  EXPECT_EQ(outcome, std::make_error_code(std::errc::connection_reset).message());
  EXPECT_THAT(log, ElementsAre("PUT / 0 0 cut off"));
}

TEST_F(Http2, resets_what_a_handler_leaves_unfinished) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    if (exchange.request().target == "/nothing") co_return;
    HttpResponse response;
    response.length = 10;
    co_await exchange.send_head(response);
    co_await exchange.write(as_bytes("part"));
  });
  talk([](Engine& engine) {
    ask(engine, "GET", "/short");
    ask(engine, "GET", "/nothing");
  });
  EXPECT_THAT(heard, Contains("1: INTERNAL_ERROR"));
  EXPECT_THAT(heard, Contains("3: 500"));
  EXPECT_THAT(log, ElementsAre("GET /short 200 4 cut off", StartsWith("GET /nothing 500")));
}

TEST_F(Http2, lets_handlers_send_only_what_they_have_said) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    std::error_code error = co_await exchange.write(as_bytes("early"));
    EXPECT_EQ(error, std::errc::invalid_argument);
    HttpResponse response;
    response.fields.add("X", "a\r\nb");
    error = co_await exchange.send_head(response);
    EXPECT_EQ(error, std::errc::invalid_argument);
    response.fields.clear();
    response.length = 3;
    error = co_await exchange.send_head(response, true);
    EXPECT_FALSE(error);
    error = co_await exchange.send_head(response);
    EXPECT_EQ(error, std::errc::invalid_argument);
    error = co_await exchange.write(as_bytes("four"), true);
    EXPECT_EQ(error, std::errc::invalid_argument);
    error = co_await exchange.finish();
    EXPECT_EQ(error, std::errc::invalid_argument);
    error = co_await exchange.write(as_bytes("one"), true);
    EXPECT_FALSE(error);
    error = co_await exchange.finish();
    EXPECT_FALSE(error);
  });
  talk([](Engine& engine) { ask(engine, "GET", "/"); });
  EXPECT_EQ(received[1], "one");
}

TEST_F(Http2, sends_no_content_where_there_is_none) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    HttpResponse response;
    if (exchange.request().target == "/204") response.status = 204;
    co_await exchange.respond(response, "content");
  });
  talk([](Engine& engine) {
    ask(engine, "HEAD", "/");
    ask(engine, "GET", "/204");
  });
  EXPECT_THAT(received, IsEmpty());
  EXPECT_THAT(heard, ElementsAre("1: 200", "1: end", "3: 204", "3: end",
                                 "going away after 2147483647: NO_ERROR", "closed"));
  EXPECT_THAT(log, ElementsAre("HEAD / 200 0", "GET /204 204 0"));
}

TEST_F(Http2, answers_what_is_too_much_and_goes_on) {
  serve([](HttpExchange& exchange) { return say(exchange, "x"); });
  const std::string large(20'000, 'x');
  talk([&](Engine& engine) {
    ask(engine, "GET", "/large", true, {{"X", large}});
    ask(engine, "GET", "/");
  });
  EXPECT_THAT(received[1], HasSubstr("431 Request Header Fields Too Large"));
  EXPECT_EQ(received[3], "x");
  EXPECT_THAT(log, ElementsAre(StartsWith("GET /large 431"), "GET / 200 1"));
}

TEST_F(Http2, takes_the_rest_of_what_a_client_sends_behind_an_early_answer) {
  serve([](HttpExchange& exchange) { return say(exchange, "early"); });
  on_event = sender(std::string(600'000, 'x'));
  talk([](Engine& engine) {
    ask(engine, "PUT", "/", false);
    http::h2::send_some(engine, 1, "x");
  });
  EXPECT_EQ(received[1], "early");
  EXPECT_THAT(heard, Not(Contains("1: NO_ERROR")));
  heard.clear();
  on_event = sender(std::string(3'000'000, 'x'));
  talk([](Engine& engine) {
    ask(engine, "PUT", "/", false);
    http::h2::send_some(engine, 1, "x");
  });
  EXPECT_THAT(heard, Contains("1: NO_ERROR")) << "and not more than that";
}

TEST_F(Http2, answers_408_to_content_that_does_not_come) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    std::string content;
    const std::error_code error = co_await exchange.read_all(content, 100);
    if (!error) co_await say(exchange, content);
  });
  talk([](Engine& engine) { ask(engine, "PUT", "/", false); });
  EXPECT_THAT(log, ElementsAre(StartsWith("PUT / 408")));
}

TEST_F(Http2, gives_an_answer_up_that_nobody_takes) {
  HttpServerOptions options;
  options.write_timeout = 10s;
  serve(
      [&](HttpExchange& exchange) -> asio::awaitable<void> {
        const HttpResponse response;
        const std::string content(exchange.request().target == "/slow" ? 1'000'000 : 10, 'x');
        co_await exchange.respond(response, content);
      },
      options);
  config.stream_window_max = 1000;
  not_read = 1;
  const Instant began = stacks.now();
  talk([](Engine& engine) { ask(engine, "GET", "/slow"); });
  EXPECT_THAT(heard, Contains("1: INTERNAL_ERROR"));
  EXPECT_THAT(log, ElementsAre("GET /slow 200 1000 cut off"));
  EXPECT_LT(ended - began, 60s);
}

TEST_F(Http2, says_goodbye_to_a_client_that_asks_nothing) {
  HttpServerOptions options;
  options.idle_timeout = 30s;
  serve([](HttpExchange& exchange) { return say(exchange, "x"); }, options);
  const Instant began = stacks.now();
  talk([](Engine& engine) { ask(engine, "GET", "/"); });
  EXPECT_THAT(Lines(heard.end() - 2, heard.end()),
              ElementsAre("going away after 2147483647: NO_ERROR", "closed"));
  EXPECT_GT(ended - began, 30s);
  EXPECT_LT(ended - began, 31s);
}

TEST_F(Http2, stops_when_the_answers_under_way_are_out) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await stacks.server->async_sleep(5s, asio::use_awaitable);
    co_await say(exchange, "done");
  });
  stacks.spawn(run_client([](Engine& engine) { ask(engine, "GET", "/"); }));
  stacks.run_for(1s);
  server->stop();
  stacks.run_for(20s);
  EXPECT_EQ(received[1], "done");
  EXPECT_EQ(heard.back(), "closed");
  EXPECT_EQ(stacks.coroutines(), 0u) << "the server has ended as well";
}

TEST_F(Http2, ends_at_once_where_it_must) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    std::string content;
    co_await exchange.read_all(content, 100);
  });
  stacks.spawn(run_client([](Engine& engine) { ask(engine, "PUT", "/", false); }));
  stacks.run_for(1s);
  server->abort();
  stacks.run_for(10s);
  EXPECT_EQ(stacks.coroutines(), 0u);
  EXPECT_THAT(log, ElementsAre("PUT / 0 0 cut off"));
}

TEST_F(Http2, is_for_clients_that_begin_with_it_and_only_where_it_is_offered) {
  HttpServerOptions options;
  options.offers_http2 = false;
  serve([](HttpExchange& exchange) { return say(exchange, "x"); }, options);
  EXPECT_THAT(answer_to(std::string(http::h2::client_preface)),
              StartsWith("HTTP/1.1 505 HTTP Version Not Supported\r\n"));
}

TEST_F(Http2, is_not_begun_in_the_middle_of_HTTP1) {
  serve([](HttpExchange& exchange) { return say(exchange, "x"); });
  const std::string answer =
      answer_to("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(http::h2::client_preface));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 505 "));
}

}  // namespace
}  // namespace handfast::io
