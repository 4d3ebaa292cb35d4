// A gateway on one stack, its origin on the other.
#include "io/http_reverse_proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_server_fixture.hpp"

namespace handfast::io {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr wire::Endpoint origin_at{client_address, 81};

class ReverseProxy : public HttpHandlers {
 protected:
  ReverseProxy()
      : proxy([this] { return connect(); },
              {.authority = "origin", .prefix = "/api/", .replacement = "/", .timeout = 10s}) {
    serve(std::ref(proxy));
  }
  asio::awaitable<AnyListener::Accepted> connect() {
    ++connects;
    AnyListener::Accepted opened;
    TcpStream stream(*stacks.server);
    co_await stream.async_connect(origin_at,
                                  asio::redirect_error(asio::use_awaitable, opened.error));
    if (!opened.error) opened.stream = any_stream(std::move(stream));
    co_return opened;
  }
  void begin_origin(HttpHandler handler, HttpServerOptions options = {}) {
    options.name = "origin";
    options.clock = [this] { return stacks.now(); };
    origin = std::make_unique<HttpServer>(any_listener(TcpListener(*stacks.client, origin_at)),
                                          std::move(handler), std::move(options));
    stacks.spawn(origin->run());
  }

  int connects = 0;
  HttpReverseProxy proxy;
  std::unique_ptr<HttpServer> origin;
};

TEST_F(ReverseProxy, passes_requests_and_answers_without_what_is_about_the_connection) {
  std::string seen;
  begin_origin([&](HttpExchange& exchange) -> asio::awaitable<void> {
    const HttpRequest& request = exchange.request();
    seen = request.method + " " + request.target + "\n";
    for (const http::Field& field : request.fields.view())
      seen += std::string(field.name) + ": " + std::string(field.value) + "\n";
    HttpResponse response;
    response.status = 203;
    response.fields.add("X-Mine", "1");
    response.fields.add("Keep-Alive", "timeout=1");
    co_await exchange.respond(response, "from the origin");
  });
  const std::string answer = get("/api/a?b=c",
                                 "X-Private: 1\r\nConnection: x-private\r\n"
                                 "X-Forwarded-For: 198.51.100.1\r\nX-Other: 2\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 203 "));
  EXPECT_THAT(answer, HasSubstr("Server: origin\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Mine: 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 15\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Keep-Alive")));
  EXPECT_EQ(content_of(answer), "from the origin");
  EXPECT_THAT(seen, StartsWith("GET /a?b=c\n"));
  EXPECT_THAT(seen, HasSubstr("Host: origin\n"));
  EXPECT_THAT(seen, HasSubstr("X-Other: 2\n"));
  EXPECT_THAT(seen, Not(HasSubstr("X-Private")));
  EXPECT_THAT(seen, HasSubstr("X-Forwarded-For: 198.51.100.1, 192.0.2.1\n"));
  EXPECT_THAT(seen, HasSubstr("X-Forwarded-Proto: http\n"));
  EXPECT_THAT(seen, HasSubstr("Forwarded: for=192.0.2.1;host=\"a\";proto=http\n"));
  EXPECT_THAT(seen, HasSubstr("Via: 1.1 handfast\n"));
}

TEST_F(ReverseProxy, streams_both_ways_at_once_and_keeps_the_origins_connection) {
  begin_origin(echo);
  // More than all buffers together hold: who read all before it answered would wait for ever.
  const std::string content = pattern(30'000'000);
  const std::string post = "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n";
  std::string answer;
  const auto send = [&](TcpStream& stream) -> asio::awaitable<void> {
    co_await asio::async_write(stream, asio::buffer(post), asio::use_awaitable);
    co_await asio::async_write(stream, asio::buffer(content), asio::use_awaitable);
    const std::string next =
        "POST /api/y HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\nSum: 3\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(next), asio::use_awaitable);
  };
  const auto receive = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    stacks.spawn(send(stream));
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(receive());
  EXPECT_TRUE(stacks.run_until([&] { return log.size() == 2; }));
  stacks.run_for(10s);
  EXPECT_TRUE(answer.find(content) != answer.npos);
  EXPECT_THAT(answer.substr(answer.size() - 28), EndsWith("3\r\nabc\r\n0\r\nSum: 3\r\n\r\n"));
  EXPECT_THAT(log, ElementsAre("POST /api/x 200 30000000", "POST /api/y 200 3"));
  EXPECT_EQ(connects, 1);
}

TEST_F(ReverseProxy, asks_again_where_an_idle_connection_was_closed_meanwhile) {
  begin_origin(
      [](HttpExchange& exchange) -> asio::awaitable<void> {
        const HttpResponse response;
        co_await exchange.respond(response, "x");
      },
      {.idle_timeout = 1s});
  EXPECT_THAT(get("/api/"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(get("/api/"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(connects, 2);
}

TEST_F(ReverseProxy, answers_502_and_504_for_an_origin_that_does_not) {
  EXPECT_THAT(get("/api/"), StartsWith("HTTP/1.1 502 Bad Gateway\r\n"));
  begin_origin([this](HttpExchange& exchange) -> asio::awaitable<void> {
    if (exchange.request().target == "/slow")
      co_await stacks.client->async_sleep(20s, asio::use_awaitable);
    HttpResponse response;
    response.length = 10;
    co_await exchange.send_head(response);
    co_await exchange.write(as_bytes("part"));
    co_await stacks.client->async_sleep(1s, asio::use_awaitable);
  });
  EXPECT_THAT(get("/api/slow"), StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
  get("/api/part");
  EXPECT_EQ(log.back(), "GET /api/part 200 4 cut off") << "no part passes for the whole";
}

TEST_F(ReverseProxy, hears_of_broken_content_by_the_server_it_runs_on) {
  begin_origin(echo);
  EXPECT_THAT(
      answer_to("POST /api/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
      StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(ReverseProxy, passes_an_upgrade_through) {
  begin_origin([](HttpExchange& exchange) -> asio::awaitable<void> {
    const FieldList fields{{"Connection", "upgrade"}, {"Upgrade", "x"}};
    const HttpTunnel tunnel = co_await exchange.switch_protocols(fields.view());
    EXPECT_FALSE(tunnel.error);
    if (tunnel.error) co_return;
    std::array<u8, 10> room;
    const Transferred got = co_await tunnel.stream->read_some(room);
    EXPECT_EQ(as_text(Bytes(room).first(got.bytes)), "ping");
    co_await tunnel.stream->write_some(as_bytes("pong"));
  });
  std::string answer;
  const auto talk = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    const std::string text =
        "GET /api/ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nping";
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer), asio::transfer_at_least(75),
                              asio::redirect_error(asio::use_awaitable, error));
    stream.shutdown(asio::socket_base::shutdown_send);
  };
  stacks.spawn(talk());
  stacks.run_for(30s);
  EXPECT_EQ(answer,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\npong");
}

}  // namespace
}  // namespace handfast::io
