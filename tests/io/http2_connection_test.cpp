// The HTTP/2 client against our server, over our own TCP in virtual time.
#include "io/http2_connection.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/detail/stream_face.hpp"
#include "io/http_server_fixture.hpp"
#include "io/networks.hpp"

namespace handfast::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Kept final : HttpSink {
  bool on_head(const http::Response& response, std::optional<u64> length) override {
    head = fmt::format("{}.{} {} {}", response.major_version, response.minor_version,
                       response.status, length ? std::to_string(*length) : "?");
    return true;
  }
  std::error_code on_content(Bytes bytes) override {
    content += as_text(bytes);
    return refusal;
  }
  void on_trailers(http::Fields fields) override { trailers = fields[0].name; }
  std::string head;
  std::string content;
  std::string trailers;
  std::error_code refusal{};
};

class Http2Client : public HttpHandlers {
 protected:
  Http2Client() : network(*stacks.client) {}
  asio::awaitable<std::shared_ptr<Http2Connection>> open() {
    auto stream = network.stream();
    const std::error_code error = co_await stream->connect(server_at);
    EXPECT_FALSE(error);
    co_return std::make_shared<Http2Connection>(std::move(stream), network);
  }
  asio::awaitable<void> ask(Http2Connection& link, std::string target, Kept& sink,
                            HttpSource* content = nullptr) {
    HttpFetch request;
    request.url = *http::parse_url("http://a" + target);
    request.content = content;
    if (content != nullptr) request.method = "PUT";
    if (target == "/head") request.method = "HEAD";
    const HttpOutcome outcome = co_await link.exchange(request, limits, sink);
    if (outcome)
      outcomes.push_back(fmt::format("{} {}", target, outcome->status));
    else
      outcomes.push_back(fmt::format("{} {}", target, outcome.error().why));
  }
  /// Asks for all of `targets` at once, and runs for `time`.
  void talk(const std::vector<std::string>& targets, Duration time = 300s) {
    sinks.resize(targets.size());
    const auto begin = [this, targets]() -> asio::awaitable<void> {
      connection = co_await open();
      for (std::size_t i = 0; i < targets.size(); ++i)
        stacks.spawn(ask(*connection, targets[i], sinks[i]));
    };
    stacks.spawn(begin());
    stacks.run_for(time);
  }

  StackNetwork network;
  HttpLimits limits;
  std::shared_ptr<Http2Connection> connection;
  std::vector<Kept> sinks;
  std::vector<std::string> outcomes;
};

asio::awaitable<void> echo_and_sum(HttpExchange& exchange) {
  const bool is_whole = co_await send_back(exchange, {});
  const std::array trailers{http::Field{"Sum", "1"}};
  if (is_whole) co_await exchange.finish(trailers);
}

TEST_F(Http2Client, asks_many_things_at_once_on_one_connection) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    const std::string target = exchange.request().target;
    if (target == "/slow") co_await stacks.server->async_sleep(5s, asio::use_awaitable);
    const std::string content = target == "/large" ? pattern(3'000'000) : target;
    co_await say(exchange, content);
  });
  talk({"/slow", "/large", "/small", "/head"});
  EXPECT_EQ(outcomes.back(), "/slow 200");
  EXPECT_EQ(outcomes.size(), 4u);
  EXPECT_TRUE(sinks[1].content == pattern(3'000'000));
  EXPECT_EQ(sinks[2].content, "/small");
  EXPECT_EQ(sinks[2].head, "2.0 200 6");
  EXPECT_EQ(sinks[3].head, "2.0 200 5");
  EXPECT_EQ(sinks[3].content, "");
  EXPECT_EQ(server->counters().connections, 1u);
}

TEST_F(Http2Client, asks_no_more_at_a_time_than_the_server_allows) {
  u32 open = 0;
  u32 open_max = 0;
  HttpServerOptions options;
  options.http2.streams_max = 3;
  serve(
      [&](HttpExchange& exchange) -> asio::awaitable<void> {
        open_max = std::max(open_max, ++open);
        co_await stacks.server->async_sleep(1s, asio::use_awaitable);
        --open;
        co_await say(exchange, "x");
      },
      options);
  talk({"/1"}, 2s);
  EXPECT_TRUE(connection->can_take());
  sinks.resize(10);
  for (int i = 0; i < 9; ++i) stacks.spawn(ask(*connection, "/x", sinks[to<std::size_t>(i + 1)]));
  stacks.run_for(100ms);
  EXPECT_FALSE(connection->can_take());
  stacks.run_for(60s);
  EXPECT_EQ(outcomes.size(), 10u);
  EXPECT_THAT(outcomes, testing::Each(testing::EndsWith(" 200")));
  EXPECT_EQ(open_max, 3u);
}

TEST_F(Http2Client, sends_content_and_hears_trailers) {
  serve(echo_and_sum);
  HttpText content(pattern(500'000));
  Kept sink;
  const auto begin = [&]() -> asio::awaitable<void> {
    connection = co_await open();
    co_await ask(*connection, "/", sink, &content);
  };
  stacks.spawn(begin());
  stacks.run_for(60s);
  EXPECT_THAT(outcomes, ElementsAre("/ 200"));
  EXPECT_TRUE(sink.content == pattern(500'000));
  EXPECT_EQ(sink.trailers, "sum");
  EXPECT_THAT(log, ElementsAre("PUT / 200 500000"));
}

TEST_F(Http2Client, stops_sending_when_the_answer_is_there) {
  HttpServerOptions options;
  options.dropped_content_max = 0;
  serve([](HttpExchange& exchange) { return exchange.respond_error(413, "No."); }, options);
  HttpText content(pattern(5'000'000));
  Kept sink;
  const auto begin = [&]() -> asio::awaitable<void> {
    connection = co_await open();
    co_await ask(*connection, "/", sink, &content);
    co_await ask(*connection, "/again", sink);
  };
  stacks.spawn(begin());
  stacks.run_for(60s);
  EXPECT_THAT(outcomes, ElementsAre("/ 413", "/again 413"));
  EXPECT_EQ(server->counters().connections, 1u);
}

TEST_F(Http2Client, tells_what_went_wrong_with_one_and_goes_on_with_the_others) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    const std::string target = exchange.request().target;
    if (target == "/silent") co_await stacks.server->async_sleep(100s, asio::use_awaitable);
    HttpResponse response;
    if (target == "/short") response.length = 10;
    co_await exchange.send_head(response);
    co_await exchange.write(as_bytes("part"));
    if (target != "/short") co_await exchange.finish();
  });
  limits.first_byte = 20s;
  talk({"/short", "/silent", "/good"});
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre(
                            "/good 200", "/short the server ended the exchange (INTERNAL_ERROR)",
                            "/silent the server does not answer"));
  EXPECT_FALSE(connection->can_take()) << "one that is silent is not asked again";
}

TEST_F(Http2Client, ends_with_the_connection) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await stacks.server->async_sleep(100s, asio::use_awaitable);
    co_await say(exchange, "x");
  });
  talk({"/1", "/2"}, 1s);
  EXPECT_FALSE(connection->is_idle());
  server->abort();
  stacks.run_for(10s);
  EXPECT_EQ(outcomes.size(), 2u);
  EXPECT_FALSE(connection->can_take());
  EXPECT_TRUE(connection->is_idle());
}

TEST_F(Http2Client, is_ended_by_its_user) {
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await stacks.server->async_sleep(20s, asio::use_awaitable);
    co_await say(exchange, "x");
  });
  talk({"/1"}, 1s);
  connection->abort();
  stacks.run_for(1s);
  EXPECT_EQ(outcomes.size(), 1u);
  outcomes.clear();
  talk({"/1"}, 1s);
  sinks[0].refusal = std::make_error_code(std::errc::no_space_on_device);
  stacks.run_for(60s);
  EXPECT_EQ(outcomes.size(), 1u);
  EXPECT_THAT(log.back(), HasSubstr("GET /1"));
  connection.reset();
  stacks.run_for(60s);
}

}  // namespace
}  // namespace handfast::io
