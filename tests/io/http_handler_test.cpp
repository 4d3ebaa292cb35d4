// Handlers and the router, over our own TCP in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/http_router.hpp"
#include "io/http_server_fixture.hpp"

namespace handfast::io {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST_F(HttpHandlers, stream_content_both_ways_with_a_length) {
  serve(echo);
  const std::string content = pattern(200'000);
  const std::string answer = answer_to(
      "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" +
      content);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 200000\r\n"));
  EXPECT_TRUE(content_of(answer) == content);
  EXPECT_THAT(log, ElementsAre("POST /x 200 200000"));
}

TEST_F(HttpHandlers, stream_chunks_and_trailers_both_ways) {
  serve(echo);
  const std::string answer = answer_to(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4\r\ndefg\r\n0\r\nSum: 7\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(content_of(answer), "3\r\nabc\r\n4\r\ndefg\r\n0\r\nSum: 7\r\n\r\n");
}

TEST_F(HttpHandlers, have_the_connection_closed_behind_what_an_old_client_gets) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    const HttpResponse response;
    co_await exchange.send_head(response);
    co_await exchange.write(as_bytes("abc"));
    co_await exchange.finish();
  });
  const std::string answer = answer_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_THAT(answer, EndsWith("Connection: close\r\n\r\nabc"));
}

TEST_F(HttpHandlers, make_a_client_wait_that_sends_faster_than_they_read) {
  u64 taken = 0;
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    co_await stacks.server->async_sleep(20s, asio::use_awaitable);
    HttpPiece piece;
    do {
      piece = co_await exchange.read();
      taken += piece.bytes.size();
    } while (!piece.error && !piece.bytes.empty());
    co_await say(exchange, "all");
  });
  u64 sent = 0;
  const auto push = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    const std::string head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(head), asio::use_awaitable);
    const std::string piece(10'000, 'x');
    for (int i = 0; i < 2000; ++i)
      sent += co_await asio::async_write(stream, asio::buffer(piece), asio::use_awaitable);
    std::array<u8, 20> room;
    co_await asio::async_read(stream, asio::buffer(room), asio::use_awaitable);
    EXPECT_EQ(as_text(room), "HTTP/1.1 200 OK\r\nDat");
  };
  stacks.spawn(push());
  stacks.run_for(19s);
  EXPECT_EQ(taken, 0u);
  EXPECT_LT(sent, 10'000'000u) << "the buffers of two TCPs, no more";
  stacks.run_for(100s);
  EXPECT_EQ(taken, 20'000'000u);
}

TEST_F(HttpHandlers, have_100_sent_by_reading_and_not_by_answering) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    std::string content;
    if (exchange.request().target == "/read") co_await exchange.read_all(content, 100);
    co_await say(exchange, "got " + content);
  });
  const auto ask = [&](const std::string& target, const std::string& content) {
    return answer_to("PUT " + target +
                     " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n"
                     "Content-Length: 3\r\n\r\n" +
                     content);
  };
  EXPECT_THAT(ask("/unread", ""), StartsWith("HTTP/1.1 200 OK\r\n"));
  // A client that does not wait after all needs no 100.
  EXPECT_THAT(ask("/read", "abc"), EndsWith("got abc"));
  std::string answer;
  const auto wait = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    const std::string head =
        "PUT /read HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n"
        "Content-Length: 3\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(head), asio::use_awaitable);
    std::array<u8, 25> room;
    co_await asio::async_read(stream, asio::buffer(room), asio::use_awaitable);
    EXPECT_EQ(as_text(room), "HTTP/1.1 100 Continue\r\n\r\n");
    co_await asio::async_write(stream, asio::buffer("xyz", 3), asio::use_awaitable);
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(wait());
  stacks.run_for(100s);
  EXPECT_THAT(answer, EndsWith("got xyz"));
}

TEST_F(HttpHandlers, refuse_content_that_is_too_large_broken_or_late) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    std::string content;
    const std::error_code error = co_await exchange.read_all(content, 10);
    if (!error) co_await say(exchange, content);
  });
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(answer_to(post + "b\r\n01234567890\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(answer_to(post + "x\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answer_to(post + "3\r\nab"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_THAT(log, ElementsAre(StartsWith("POST / 413"), StartsWith("POST / 400"),
                               StartsWith("POST / 408")));
}

TEST_F(HttpHandlers, are_made_up_for_where_they_fail) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    const std::string target = exchange.request().target;
    if (target == "/throws") throw std::runtime_error("on purpose");
    if (target == "/nothing") co_return;
    HttpResponse response;
    response.length = 10;
    co_await exchange.send_head(response);
    co_await exchange.write(as_bytes("part"));
    if (target == "/late") throw std::runtime_error("on purpose");
  });
  EXPECT_THAT(get("/throws"), StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 500 Internal Server Error\r\n"));
  get("/late");
  get("/short");
  EXPECT_THAT(log, ElementsAre(StartsWith("GET /throws 500"), StartsWith("GET /nothing 500"),
                               "GET /late 200 4 cut off", "GET /short 200 4 cut off"));
}

TEST_F(HttpHandlers, cannot_send_what_would_not_be_HTTP) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    HttpResponse response;
    response.fields.add("X", "a\r\nSet-Cookie: b");
    std::error_code error = co_await exchange.send_head(response);
    EXPECT_EQ(error, std::errc::invalid_argument);
    response.fields.clear();
    response.length = 3;
    error = co_await exchange.send_head(response, true);
    EXPECT_FALSE(error);
    error = co_await exchange.send_head(response);
    EXPECT_EQ(error, std::errc::invalid_argument);
    error = co_await exchange.write(as_bytes("four"), true);
    EXPECT_EQ(error, std::errc::invalid_argument);
    error = co_await exchange.write(as_bytes("one"));
    EXPECT_FALSE(error);
    error = co_await exchange.finish();
    EXPECT_FALSE(error);
  });
  EXPECT_EQ(content_of(get("/")), "one");
}

TEST_F(HttpHandlers, need_not_know_what_has_no_content) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    HttpResponse response;
    if (exchange.request().target == "/204") response.status = 204;
    co_await exchange.respond(response, "content");
  });
  const std::string head = answer_to("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(content_of(head), "");
  const std::string none = get("/204");
  EXPECT_THAT(none, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(content_of(none), "");
}

TEST_F(HttpHandlers, can_tell_of_their_progress_before_they_answer) {
  serve([](HttpExchange& exchange) -> asio::awaitable<void> {
    const std::array hints{http::Field{"Link", "</a.css>; rel=preload"}};
    co_await exchange.send_informational(103, hints);
    co_await say(exchange, "x");
  });
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                                   "HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer_to("GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpHandlers, know_their_client_also_after_it_was_idle_for_long) {
  std::vector<wire::Endpoint> clients;
  serve([&](HttpExchange& exchange) -> asio::awaitable<void> {
    clients.push_back(exchange.request().client);
    co_await say(exchange, exchange.request().scheme);
  });
  std::string answers;
  const auto talk = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    for (int i = 0; i < 2; ++i) {
      const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
      co_await stacks.client->async_sleep(10s, asio::use_awaitable);
    }
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answers),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(talk());
  stacks.run_for(100s);
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[0].address, client_address);
  EXPECT_EQ(clients[0], clients[1]);
  EXPECT_THAT(answers, EndsWith("http"));
}

class Router : public HttpHandlers {
 protected:
  Router() {
    const auto tell = [](std::string route) {
      return [route](HttpExchange& exchange) -> asio::awaitable<void> {
        std::string text = route;
        for (const auto& [name, value] : exchange.request().parameters)
          text += " " + name + "=" + value;
        return say(exchange, text);
      };
    };
    router.add("GET", "/", tell("root"));
    router.add("GET", "/users/{id}", tell("user"));
    router.add("DELETE", "/users/{id}", tell("delete"));
    router.add("GET", "/users/me", tell("me"));
    router.add("GET", "/users/{id}/files/{path...}", tell("file"));
    router.add("*", "/any/{rest...}", tell("any"));
    serve(std::ref(router));
  }
  std::string ask(const std::string& method, const std::string& target) {
    return answer_to(method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
  HttpRouter router;
};

TEST_F(Router, finds_a_handler_by_path_and_names_what_varies) {
  EXPECT_EQ(content_of(get("/")), "root");
  EXPECT_EQ(content_of(get("/?a=b")), "root");
  EXPECT_EQ(content_of(get("/users/7")), "user id=7");
  EXPECT_EQ(content_of(get("/users/a%20b")), "user id=a b");
  EXPECT_EQ(content_of(get("/users/me")), "me");
  EXPECT_EQ(content_of(get("/users/7/files/a/b.txt")), "file id=7 path=a/b.txt");
  EXPECT_EQ(content_of(get("/users/7/files")), "file id=7 path=");
  EXPECT_EQ(content_of(get("/any")), "any rest=");
}

TEST_F(Router, answers_404_405_and_OPTIONS_by_itself) {
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/users"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/users/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/users/7/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/users/../x"), StartsWith("HTTP/1.1 400 "));
  const std::string post = ask("POST", "/users/7");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("Allow: GET, HEAD, DELETE\r\n"));
  EXPECT_THAT(ask("OPTIONS", "/users/7"), HasSubstr("Allow: GET, HEAD, DELETE\r\n"));
  EXPECT_THAT(ask("DELETE", "/users/7"), EndsWith("delete id=7"));
  EXPECT_THAT(ask("HEAD", "/users/7"), HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(ask("BREW", "/any/pot"), EndsWith("any rest=pot"));
}

}  // namespace
}  // namespace handfast::io
