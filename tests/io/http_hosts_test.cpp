// Virtual hosts, the way to HTTPS, what is logged and counted, and connections that leave HTTP.
#include "io/http_hosts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_access_log.hpp"
#include "io/http_metrics.hpp"
#include "io/http_server_fixture.hpp"
#include "io/relay.hpp"

namespace handfast::io {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class VirtualHosts : public HttpHandlers {
 protected:
  std::string ask(const std::string& host) {
    return content_of(
        answer_to("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
  }
};

TEST_F(VirtualHosts, are_told_apart_by_name_without_case_port_or_final_dot) {
  static const std::string other = "other";
  static const std::string one = "one";
  static const std::string any = "any";
  const auto tell = [](const std::string& text) -> HttpHandler {
    return [&text](HttpExchange& exchange) -> asio::awaitable<void> {
      const HttpResponse response;
      co_await exchange.respond(response, text);
    };
  };
  HttpHosts hosts(tell(other));
  hosts.add("www.Example", tell(one));
  hosts.add("*.example", tell(any));
  serve(std::ref(hosts));
  EXPECT_EQ(ask("www.example"), "one");
  EXPECT_EQ(ask("WWW.example.:8080"), "one");
  EXPECT_EQ(ask("a.b.example"), "any");
  EXPECT_EQ(ask("example"), "other");
  EXPECT_EQ(ask("[2001:db8::1]:80"), "other");
  EXPECT_EQ(host_of("[2001:DB8::1]:80"), "[2001:db8::1]");
  EXPECT_EQ(host_of("[2001:db8::1]"), "[2001:db8::1]");
}

TEST_F(VirtualHosts, without_TLS_are_sent_to_where_it_is) {
  serve(redirect_to_https(8443));
  const std::string answer = get("/a?b=c");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 308 Permanent Redirect\r\n"));
  EXPECT_THAT(answer, HasSubstr("Location: https://a:8443/a?b=c\r\n"));
  EXPECT_THAT(answer_to("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpHandlers, do_not_have_plain_HTTP_promise_HTTPS) {
  HttpServerOptions options;
  options.hsts = "max-age=1";
  serve(redirect_to_https(443), std::move(options));
  EXPECT_THAT(get("/"), Not(HasSubstr("Strict-Transport-Security")));
}

TEST_F(HttpHandlers, are_logged_and_counted) {
  std::vector<std::string> lines;
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await exchange.respond_error(404, "x");
  });
  server->on_access([&](const HttpExchange& exchange) {
    for (const auto format :
         {AccessLogFormat::common, AccessLogFormat::combined, AccessLogFormat::json})
      lines.push_back(access_line(exchange, format, 784111777, 1500us));
  });
  get("/a\"b?c", "User-Agent: curl/1 \"x\\\"\r\nReferer: http://r/\r\n");
  ASSERT_EQ(lines.size(), 3u);
  const std::string start =
      "192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a\\\"b?c HTTP/1.1\" 404 ";
  EXPECT_THAT(lines[0], testing::MatchesRegex("192.0.2.1 - - .06/Nov/1994:08:49:37 .0000. .*"));
  EXPECT_THAT(lines[0], StartsWith(start));
  EXPECT_THAT(lines[1], EndsWith(" \"http://r/\" \"curl/1 \\\"x\\\\\\\"\"\n"));
  EXPECT_THAT(lines[2], StartsWith("{\"time\":\"1994-11-06T08:49:37Z\",\"client\":\"192.0.2.1\","));
  EXPECT_THAT(lines[2],
              HasSubstr("\"target\":\"/a\\\"b?c\",\"version\":\"HTTP/1.1\",\"status\":404,"));
  EXPECT_THAT(lines[2], HasSubstr("\"seconds\":0.001500,\"complete\":true,"));
  answer_to("\x01\r\n\r\n");
  EXPECT_THAT(lines[3], HasSubstr("\"-\" 400 "));

  const std::string page = metrics_text(server->counters());
  EXPECT_THAT(page, HasSubstr("handfast_http_requests_total{code=\"4xx\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("handfast_http_connections_total 2\n"));
  EXPECT_THAT(page, HasSubstr("handfast_http_request_seconds_bucket{le=\"+Inf\"} 2\n"));
}

TEST_F(HttpHandlers, may_take_the_connection_over) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    const FieldList fields{{"Connection", "upgrade"}, {"Upgrade", "shout"}};
    const HttpTunnel tunnel = co_await exchange.switch_protocols(fields.view());
    if (tunnel.error) {
      co_await exchange.respond_error(426, "This is for those who shout.");
      co_return;
    }
    std::string text(as_text(tunnel.early));
    std::array<u8, 100> room;
    while (!text.ends_with('.')) {
      const Transferred got = co_await tunnel.stream->read_some(room);
      if (got.error) co_return;
      text += as_text(Bytes(room).first(got.bytes));
    }
    for (char& c : text) c = to<char>(std::toupper(c));
    co_await tunnel.stream->write_some(as_bytes(text));
  });
  const std::string answer = answer_to(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\nhear me.");
  EXPECT_EQ(answer,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n"
            "HEAR ME.");
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 426 Upgrade Required\r\n"));
}

TEST_F(HttpHandlers, may_be_a_proxy_for_CONNECT) {
  // An echo on the client's own stack is what the tunnel leads to.
  const wire::Endpoint there{client_address, 9};
  TcpListener echo(*stacks.client, there);
  const auto serve_echo = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await echo.async_accept(asio::use_awaitable);
    std::array<u8, 100> room;
    std::error_code error;
    while (!error) {
      const std::size_t n = co_await stream.async_read_some(
          asio::buffer(room), asio::redirect_error(asio::use_awaitable, error));
      if (!error)
        co_await asio::async_write(stream, asio::buffer(room.data(), n), asio::use_awaitable);
    }
  };
  stacks.spawn(serve_echo());
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    TcpStream onward(*stacks.server);
    co_await onward.async_connect(there, asio::use_awaitable);
    const auto other = any_stream(std::move(onward));
    const HttpTunnel tunnel = co_await exchange.switch_protocols({});
    EXPECT_FALSE(tunnel.error);
    co_await relay(*tunnel.stream, tunnel.early, *other, {});
  });
  std::string answer;
  const auto talk = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    const std::string text =
        "CONNECT 192.0.2.1:9 HTTP/1.1\r\nHost: 192.0.2.1:9\r\n\r\nthere and back";
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    stream.shutdown(asio::socket_base::shutdown_send);
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(talk());
  stacks.run_for(100s);
  EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\n\r\nthere and back");
}

}  // namespace
}  // namespace handfast::io
