// The HTTP server and client: over two of our own stacks in virtual time, and over the kernel's
// loopback.
#include "io/http_server.hpp"

#include <sys/socket.h>

#include <asio/detached.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/hosts.hpp"
#include "io/http_client.hpp"
#include "io/http_site.hpp"
#include "io/kernel_stream.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"
#include "support/test_directory.hpp"

namespace handfast::io {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kilobytes_300 = test::TestDirectory::content(300'000);

class Store final : public HttpSink {
 public:
  bool on_head(const http::Response&, std::optional<u64> of) override {
    length = of;
    return true;
  }
  std::error_code on_content(Bytes bytes) override {
    content += as_text(bytes);
    return content.size() > content_max ? make_error_code(std::errc::no_space_on_device)
                                        : std::error_code{};
  }
  std::optional<u64> length;
  std::string content;
  std::size_t content_max = ~std::size_t{0};
};

http::Url url_of(const std::string& target) {
  return *http::parse_url("http://192.0.2.2:7" + target);
}

/// A server on one stack and whatever the test does on the other.
class HttpOverOurStack : public testing::Test {
 protected:
  explicit HttpOverOurStack(HttpServerOptions options = {})
      : server(any_listener(TcpListener(*stacks.server, server_at)), std::ref(site),
               std::move(options)) {
    directory.write("big", kilobytes_300);
    directory.write("empty", "");
    directory.write("small", "hello");
    server.on_access([this](const HttpExchange& exchange) {
      const HttpRequest& request = exchange.request();
      log.push_back(request.method + " " + request.target + " " +
                    std::to_string(exchange.status()) + (exchange.is_complete() ? "" : " cut off"));
    });
    stacks.spawn(server.run());
  }

  asio::awaitable<TcpStream> connected() {
    TcpStream stream(*stacks.client);
    co_await stream.async_connect(server_at, asio::use_awaitable);
    co_return stream;
  }
  /// Sends `text` and returns all that comes until the server closes.
  asio::awaitable<void> talk(std::string text, std::string& answer) {
    TcpStream stream = co_await connected();
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    std::error_code error;
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
    EXPECT_EQ(error, asio::error::eof);
  }
  std::string answer_to(const std::string& text) {
    std::string answer;
    stacks.spawn(talk(text, answer));
    stacks.run_for(120s);
    return answer;
  }

  test::TestDirectory directory;
  TwoStacks stacks;
  HttpDirectory site{*FileTree::open(directory.path())};
  HttpServer server;
  std::vector<std::string> log;
};

TEST_F(HttpOverOurStack, client_gets_large_small_and_empty_files_on_one_connection) {
  const auto run = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    HttpClient<TcpStream> client(stream, {.keep_alive = true});
    const std::array<std::pair<std::string, std::string>, 3> files{
        {{"/big", kilobytes_300}, {"/empty", ""}, {"/small", "hello"}}};
    for (const auto& [target, content] : files) {
      Store store;
      const auto url = url_of(target);
      const auto result = co_await client.get(url, store);
      EXPECT_TRUE(result.has_value());
      EXPECT_EQ(store.length, content.size());
      EXPECT_TRUE(store.content == content) << target;
      EXPECT_TRUE(client.can_continue());
    }
  };
  stacks.spawn(run());
  EXPECT_TRUE(stacks.run_until([&] { return stacks.coroutines() == 1; }));
  EXPECT_EQ(server.counters().connections, 1u);
  EXPECT_EQ(server.counters().content_bytes, 300'005u);
}

TEST_F(HttpOverOurStack, pipelined_requests_are_answered_in_order) {
  const std::string answer = answer_to(
      "GET /small HTTP/1.1\r\nHost: a\r\n\r\nHEAD /big HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nhelloHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 300000\r\n"));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(log, testing::ElementsAre("GET /small 200", "HEAD /big 200", "GET /nothing 404"));
}

TEST_F(HttpOverOurStack, ranges_are_answered_by_those_bytes_alone) {
  const std::string answer = answer_to(
      "GET /small HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n"
      "GET /small HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_THAT(answer,
              HasSubstr("Content-Range: bytes 1-2/5\r\nContent-Length: 2\r\n\r\nelHTTP/1.1 206 "));
  EXPECT_THAT(answer, HasSubstr("Content-Range: bytes 0-0/5\r\n\r\nh\r\n--part"));
  EXPECT_THAT(answer, HasSubstr("Content-Range: bytes 4-4/5\r\n\r\no\r\n--part"));
  EXPECT_THAT(answer, testing::EndsWith("--\r\n"));
  EXPECT_EQ(server.counters().cut_off, 0u);
}

TEST_F(HttpOverOurStack, a_broken_request_is_answered_and_the_connection_closed) {
  EXPECT_THAT(answer_to("GET / HTTP/1.1\r\nHost : a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
              StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(log, testing::ElementsAre("- - 400"));
}

TEST_F(HttpOverOurStack, a_client_that_waits_for_100_continue_is_answered_at_once) {
  const std::string answer =
      answer_to("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(HttpOverOurStack, content_that_nobody_wants_is_dropped_where_it_is_little) {
  const std::string answer =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" +
                std::string(100'000, 'x') + "GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Connection: close")));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpOverOurStack, much_content_that_nobody_wants_is_refused) {
  const std::string answer =
      answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(HttpOverOurStack, who_never_finishes_a_request_hears_408) {
  EXPECT_THAT(answer_to("GET / HTTP/1.1\r\n"), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_F(HttpOverOurStack, a_request_that_drips_in_does_not_renew_its_time) {
  std::string answer;
  const auto drip = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    std::error_code error;
    for (int i = 0; i < 100 && !error; ++i) {
      co_await asio::async_write(stream, asio::buffer("GET", 1),
                                 asio::redirect_error(asio::use_awaitable, error));
      co_await stacks.client->async_sleep(1s, asio::use_awaitable);
    }
    co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                              asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(drip());
  stacks.run_for(25s);
  EXPECT_THAT(log, testing::ElementsAre("- - 408"));
  stacks.run_for(200s);
}

TEST_F(HttpOverOurStack, an_idle_connection_is_closed_without_a_word) {
  EXPECT_EQ(answer_to(""), "");
  EXPECT_EQ(server.counters().connections, 1u);
  EXPECT_EQ(server.counters().connections_open, 0u);
  EXPECT_TRUE(log.empty());
}

TEST_F(HttpOverOurStack, a_client_that_stops_reading_is_cut_off) {
  const auto run = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    const std::string text = "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n";
    directory.write("huge", std::string(20'000'000, 'x'));
    co_await asio::async_write(stream, asio::buffer(text), asio::use_awaitable);
    co_await stacks.client->async_sleep(300s, asio::use_awaitable);
  };
  stacks.spawn(run());
  stacks.run_for(200s);
  EXPECT_THAT(log, testing::ElementsAre("GET /huge 200 cut off"));
  stacks.run_for(200s);
}

TEST_F(HttpOverOurStack, stop_lets_a_response_finish_and_ends_idle_connections) {
  Store store;
  bool complete = false;
  const auto get = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    HttpClient<TcpStream> client(stream, {.keep_alive = true});
    const auto url = url_of("/big");
    const auto result = co_await client.get(url, store);
    complete = result.has_value();
  };
  const auto idle = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    std::array<u8, 8> room;
    std::error_code error;
    co_await stream.async_read_some(asio::buffer(room),
                                    asio::redirect_error(asio::use_awaitable, error));
    EXPECT_EQ(error, asio::error::eof);
  };
  stacks.spawn(get());
  stacks.spawn(idle());
  EXPECT_TRUE(stacks.run_until([&] { return !store.content.empty(); }));
  server.stop();
  stacks.run_coroutines(30s);
  EXPECT_TRUE(complete);
  EXPECT_TRUE(store.content == kilobytes_300);
}

TEST_F(HttpOverOurStack, abort_does_not_let_a_part_pass_for_the_whole) {
  Store store;
  std::optional<HttpFailure> failed;
  const auto get = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    HttpClient<TcpStream> client(stream);
    const auto url = url_of("/huge");
    const auto result = co_await client.get(url, store);
    if (!result) failed = result.error();
  };
  directory.write("huge", std::string(20'000'000, 'x'));
  stacks.spawn(get());
  EXPECT_TRUE(stacks.run_until([&] { return store.content.size() > 100'000; }));
  server.abort();
  stacks.run_coroutines(30s);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->kind, HttpFailure::Kind::stream);
  EXPECT_EQ(failed->code, std::errc::connection_reset);
  EXPECT_EQ(failed->content_bytes, store.content.size());
}

TEST_F(HttpOverOurStack, a_sink_that_refuses_ends_the_transfer) {
  Store store;
  store.content_max = 10'000;
  std::optional<HttpFailure> failed;
  const auto get = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await connected();
    HttpClient<TcpStream> client(stream);
    const auto url = url_of("/big");
    const auto result = co_await client.get(url, store);
    if (!result) failed = result.error();
  };
  stacks.spawn(get());
  EXPECT_TRUE(stacks.run_until([&] { return failed.has_value(); }));
  EXPECT_EQ(failed->kind, HttpFailure::Kind::sink);
  EXPECT_EQ(failed->code, std::errc::no_space_on_device);
}

/// What a scripted server on the kernel's loopback makes of the client.
std::string outcome_of(const std::string& response, bool reset_at_end) {
  asio::io_context context(1);
  KernelListener listener(context.get_executor());
  EXPECT_FALSE(listener.listen({wire::IpAddress::v4(127, 0, 0, 1), 0}));
  const auto serve = [&]() -> asio::awaitable<void> {
    KernelStream stream(co_await listener.async_accept(asio::use_awaitable));
    std::string request;
    co_await asio::async_read(stream, asio::dynamic_buffer(request), asio::transfer_at_least(20),
                              asio::use_awaitable);
    co_await asio::async_write(stream, asio::buffer(response), asio::use_awaitable);
    if (reset_at_end) stream.abort();
  };
  std::string told;
  const auto get = [&]() -> asio::awaitable<void> {
    KernelStream stream(context.get_executor());
    co_await stream.async_connect(listener.local_endpoint(), asio::use_awaitable);
    HttpClient<KernelStream> client(stream, {.idle_timeout = 200ms});
    Store store;
    const auto url = url_of("/");
    const auto result = co_await client.get(url, store);
    if (result)
      told = std::to_string(result->status) + " " + store.content;
    else
      told = "failed " + std::to_string(static_cast<int>(result.error().kind)) + " " +
             result.error().why;
  };
  asio::co_spawn(context, serve(), asio::detached);
  asio::co_spawn(context, get(), asio::detached);
  context.run_for(std::chrono::seconds(5));
  return told;
}
std::string failed(HttpFailure::Kind kind, const std::string& why = "") {
  return "failed " + std::to_string(static_cast<int>(kind)) + " " + why;
}

TEST(HttpClientOverTheKernel, tells_each_way_of_failing_from_success) {
  using Kind = HttpFailure::Kind;
  EXPECT_EQ(outcome_of("HTTP/1.1 200 OK\r\n\r\nall of it", false), "200 all of it");
  EXPECT_EQ(outcome_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                       false),
            "200 ab");
  EXPECT_EQ(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false),
            failed(Kind::cut_off, "the connection ended inside a message"));
  EXPECT_EQ(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true),
            failed(Kind::stream));
  EXPECT_EQ(outcome_of("SSH-2.0-x\r\n", false), failed(Kind::protocol, "what came is not HTTP/1"));
}

TEST(HttpClientOverTheKernel, gives_up_on_a_server_that_stops_sending) {
  asio::io_context context(1);
  KernelListener listener(context.get_executor());
  EXPECT_FALSE(listener.listen({wire::IpAddress::v4(127, 0, 0, 1), 0}));
  std::optional<HttpFailure> failed;
  const auto get = [&]() -> asio::awaitable<void> {
    KernelStream stream(context.get_executor());
    co_await stream.async_connect(listener.local_endpoint(), asio::use_awaitable);
    HttpClient<KernelStream> client(stream, {.idle_timeout = 100ms});
    Store store;
    const auto url = url_of("/");
    const auto result = co_await client.get(url, store);
    if (!result) failed = result.error();
  };
  asio::co_spawn(context, get(), asio::detached);
  context.run_for(std::chrono::seconds(5));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->kind, HttpFailure::Kind::timeout);
}

TEST(KernelStream, whose_limit_has_passed_waits_for_nothing_more) {
  asio::io_context context(1);
  KernelListener listener(context.get_executor());
  EXPECT_FALSE(listener.listen({wire::IpAddress::v4(127, 0, 0, 1), 0}));
  std::error_code told;
  const auto read = [&]() -> asio::awaitable<void> {
    KernelStream stream(context.get_executor());
    co_await stream.async_connect(listener.local_endpoint(), asio::use_awaitable);
    stream.expires_after(1ms);
    asio::steady_timer timer(context, std::chrono::milliseconds(50));
    co_await timer.async_wait(asio::use_awaitable);
    std::array<u8, 8> room;
    std::error_code error;
    co_await stream.async_read_some(asio::buffer(room),
                                    asio::redirect_error(asio::use_awaitable, error));
    told = stream.outcome(error);
  };
  asio::co_spawn(context, read(), asio::detached);
  context.run_for(std::chrono::seconds(5));
  EXPECT_EQ(told, std::errc::timed_out);
}

TEST(Hosts, are_found_by_any_of_their_names) {
  const std::string_view text =
      "127.0.0.1\tlocalhost # here\n\n# 192.0.2.9 no\n192.0.2.1 Web www.example\r\n2001:db8::1 web";
  EXPECT_EQ(find_in_hosts(text, "localhost"), std::vector{wire::IpAddress::v4(127, 0, 0, 1)});
  EXPECT_EQ(find_in_hosts(text, "web"), (std::vector{wire::IpAddress::v4(192, 0, 2, 1),
                                                     *wire::IpAddress::parse("2001:db8::1")}));
  EXPECT_EQ(find_in_hosts(text, "WWW.example").size(), 1u);
  EXPECT_TRUE(find_in_hosts(text, "no").empty());
  EXPECT_EQ(look_up("2001:db8::7", "/nonexistent").size(), 1u);
  EXPECT_TRUE(look_up("web", "/nonexistent").empty());
}

}  // namespace
}  // namespace handfast::io
