// What a server does not take from its clients: slowness, too many connections, too much memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_server_fixture.hpp"

namespace handfast::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class HttpLimits : public HttpHandlers {
 protected:
  using HttpHandlers::HttpHandlers;
  static asio::awaitable<void> take_all(HttpExchange& exchange) {
    HttpPiece piece;
    do piece = co_await exchange.read();
    while (!piece.error && !piece.bytes.empty());
    const HttpResponse response;
    if (!piece.error) co_await exchange.respond(response, "got it");
  }
  static asio::awaitable<void> send_much(HttpExchange& exchange) {
    const HttpResponse response;
    std::error_code error = co_await exchange.send_head(response);
    const std::string piece(10'000, 'x');
    for (int i = 0; i < 10'000 && !error; ++i) error = co_await exchange.write(as_bytes(piece));
    if (!error) co_await exchange.finish();
  }
};

tcp::Config small_buffers() {
  tcp::Config config;
  config.send_buffer_max = config.receive_buffer_max = 64u << 10;
  return config;
}

class HttpSmallBuffers : public HttpLimits {
 protected:
  HttpSmallBuffers() : HttpLimits(small_buffers()) {}
};

TEST_F(HttpLimits, content_that_drips_in_below_the_least_rate_is_refused) {
  serve(take_all, {.content_timeout = 10s, .rate_min = 100});
  std::string answer;
  const auto drip = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    std::error_code error;
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(head), asio::use_awaitable);
    for (int i = 0; i < 100 && !error && log.empty(); ++i) {
      co_await asio::async_write(stream, asio::buffer("x", 1),
                                 asio::redirect_error(asio::use_awaitable, error));
      co_await stacks.client->async_sleep(1s, asio::use_awaitable);
    }
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  const Instant began = stacks.now();
  stacks.spawn(drip());
  EXPECT_TRUE(stacks.run_until([&] { return !log.empty(); }));
  EXPECT_LT(stacks.now() - began, 12s) << "no byte came late, but too few came";
  stacks.run_for(10s);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpLimits, content_at_the_least_rate_is_taken) {
  serve(take_all, {.content_timeout = 10s, .rate_min = 100});
  std::string answer;
  const auto send = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    std::error_code error;
    const std::string head =
        "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6000\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(head), asio::use_awaitable);
    const std::string piece(150, 'x');
    for (int i = 0; i < 40; ++i) {
      co_await asio::async_write(stream, asio::buffer(piece), asio::use_awaitable);
      co_await stacks.client->async_sleep(1s, asio::use_awaitable);
    }
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(send());
  stacks.run_for(60s);
  EXPECT_THAT(answer, testing::EndsWith("got it"));
}

TEST_F(HttpSmallBuffers, a_reader_below_the_least_rate_is_cut_off) {
  serve(send_much, {.write_timeout = 10s, .rate_min = 10'000});
  const auto sip = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    std::error_code error;
    co_await asio::async_write(stream, asio::buffer("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27),
                               asio::use_awaitable);
    std::array<u8, 1000> room;
    while (!error) {
      co_await stream.async_read_some(asio::buffer(room),
                                      asio::redirect_error(asio::use_awaitable, error));
      co_await stacks.client->async_sleep(1s, asio::use_awaitable);
    }
  };
  stacks.spawn(sip());
  EXPECT_TRUE(stacks.run_until([&] { return !log.empty(); }, 1000s));
  EXPECT_THAT(log[0], testing::EndsWith("cut off"));
  stacks.run_for(6000s);
}

TEST_F(HttpSmallBuffers, a_reader_that_stops_makes_the_server_hold_its_send_buffer_and_no_more) {
  serve(send_much);
  const auto stop = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    co_await asio::async_write(stream, asio::buffer("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27),
                               asio::use_awaitable);
    co_await stacks.client->async_sleep(50s, asio::use_awaitable);
  };
  stacks.spawn(stop());
  stacks.run_for(45s);
  const u64 both = small_buffers().send_buffer_max + small_buffers().receive_buffer_max;
  EXPECT_GT(server->counters().content_bytes, both / 4);
  EXPECT_LE(server->counters().content_bytes, both + 20'000)
      << "what the client's TCP took, what waits here, and the piece that the handler has";
  stacks.run_for(200s);
}

TEST_F(HttpLimits, who_comes_when_it_is_full_hears_503_and_later_gets_in) {
  serve(take_all, {.idle_timeout = 5s, .connections_max = 1, .retry_after = 7s});
  std::string refused;
  std::string later;
  const auto run = [&]() -> asio::awaitable<void> {
    TcpStream first = co_await connected();
    co_await stacks.client->async_sleep(1s, asio::use_awaitable);
    const std::string ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (std::string* answer : {&refused, &later}) {
      TcpStream stream = co_await connected();
      co_await asio::async_write(stream, asio::buffer(ask), asio::use_awaitable);
      std::error_code error;
      co_await asio::async_read(stream, asio::dynamic_buffer(*answer),
                                asio::redirect_error(asio::use_awaitable, error));
      co_await stacks.client->async_sleep(10s, asio::use_awaitable);
    }
  };
  stacks.spawn(run());
  stacks.run_for(60s);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 7\r\n"));
  EXPECT_THAT(refused, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(later, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(server->counters().turned_away, 1u);
}

TEST_F(HttpLimits, beyond_those_that_hear_503_clients_wait) {
  serve(take_all, {.idle_timeout = 5s, .connections_max = 1, .turned_away_max = 0});
  std::string answer;
  bool is_answered = false;
  const auto run = [&]() -> asio::awaitable<void> {
    TcpStream first = co_await connected();
    const std::string ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    TcpStream stream = co_await connected();
    co_await asio::async_write(stream, asio::buffer(ask), asio::use_awaitable);
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
    is_answered = true;
  };
  stacks.spawn(run());
  stacks.run_for(3s);
  EXPECT_FALSE(is_answered);
  EXPECT_EQ(server->counters().connections_open, 1u);
  stacks.run_for(30s);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace handfast::io
