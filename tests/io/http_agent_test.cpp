// The HTTP client as a program uses it: over two of our own stacks in virtual time, with a server
// that answers whatever a test wants.
#include "io/http_agent.hpp"

#include <zlib.h>

#include <asio/redirect_error.hpp>
#include <asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/networks.hpp"
#include "io/scripted_origin.hpp"

namespace handfast::io {
namespace {

using Answer = ScriptedOrigin::Answer;
using Request = ScriptedOrigin::Request;
using Kind = HttpFailure::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

class Store final : public HttpSink {
 public:
  bool on_head(const http::Response& response, std::optional<u64> of) override {
    status = response.status;
    length = of;
    content.clear();
    return true;
  }
  std::error_code on_content(Bytes bytes) override {
    content += as_text(bytes);
    return {};
  }
  void on_trailers(http::Fields fields) override {
    for (const http::Field& field : fields) trailers += std::string(field.name) + " ";
  }
  u16 status = 0;
  std::optional<u64> length;
  std::string content;
  std::string trailers;
};

/// Every name is the server.
class OneHost final : public Names {
 public:
  asio::awaitable<Found> look_up(std::string host, Family family) override {
    Found found;
    found.kind = Found::Kind::no_data;
    if (family == Family::v6) co_return found;
    asked.push_back(host);
    found.kind = Found::Kind::addresses;
    found.addresses.push_back(server_address);
    co_return found;
  }
  std::vector<std::string> asked;
};

http::Url url_of(const std::string& text) { return *http::parse_url(text); }

class Agent : public testing::Test {
 protected:
  void make(HttpAgent::Options options = {}) {
    const auto no_tls = []() -> TlsContext& { throw std::logic_error("nobody asked for TLS"); };
    agent = std::make_unique<HttpAgent>(network, names, no_tls, std::move(options));
  }
  ScriptedOrigin& serve(u16 port, std::function<Answer(const Request&)> answer) {
    origins.push_back(std::make_unique<ScriptedOrigin>(stacks, port, std::move(answer)));
    return *origins.back();
  }
  HttpOutcome fetch(HttpFetch request) {
    if (!agent) make();
    std::optional<HttpOutcome> outcome;
    const auto run = [&]() -> asio::awaitable<void> {
      HttpOutcome result = co_await agent->fetch(request, store);
      outcome.emplace(std::move(result));
    };
    stacks.spawn(run());
    EXPECT_TRUE(stacks.run_until([&] { return outcome.has_value(); }));
    return std::move(*outcome);
  }
  HttpOutcome get(const std::string& url) { return fetch({.url = url_of(url)}); }

  TwoStacks stacks;
  StackNetwork network{*stacks.client};
  OneHost names;
  std::unique_ptr<HttpAgent> agent;
  std::vector<std::unique_ptr<ScriptedOrigin>> origins;
  Store store;
};

TEST_F(Agent, asks_again_on_the_same_connection) {
  ScriptedOrigin& origin = serve(80, [](const Request&) { return Answer{answer_with("hello")}; });
  const auto first = get("http://a.test/1");
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->timing.opening.is_reused);
  EXPECT_EQ(first->timing.opening.tcp, 10ms) << "one round trip";
  EXPECT_EQ(first->timing.first_byte, 10ms) << "one round trip";
  const auto second = get("http://a.test/2");
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->timing.opening.is_reused);
  EXPECT_EQ(store.content, "hello");
  EXPECT_EQ(origin.connections, 1u);
  EXPECT_EQ(names.asked.size(), 1u);
  get("http://b.test/");
  EXPECT_EQ(origin.connections, 2u) << "another origin at the same address";
}

TEST_F(Agent, says_what_every_request_must_say_and_what_the_caller_adds) {
  ScriptedOrigin& origin = serve(8080, [](const Request&) { return Answer{answer_with("")}; });
  fetch({.method = "PATCH",
         .url = url_of("http://a.test:8080/x?y"),
         .fields = {{"X-One", "1"}, {"user-agent", "mine"}, {"Content-Length", "7"}}});
  const Request& request = origin.requests.at(0);
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target, "/x?y");
  EXPECT_EQ(request.field("host"), "a.test:8080");
  EXPECT_EQ(request.field("x-one"), "1");
  EXPECT_EQ(request.field("user-agent"), "mine");
  EXPECT_EQ(request.field("accept"), "*/*");
  EXPECT_EQ(request.field("content-length"), "0");
  EXPECT_EQ(request.field("accept-encoding"), "");
}

TEST_F(Agent, sends_content_of_known_and_of_unknown_length) {
  class Drip final : public HttpSource {
   public:
    std::optional<u64> length() const override { return std::nullopt; }
    asio::awaitable<Moved> read(MutBytes room) override {
      if (left == 0) co_return Moved{};
      --left;
      room[0] = 'x';
      co_return Moved{{}, 1};
    }
    bool rewind() override { return false; }
    u32 left = 5;
  } drip;
  ScriptedOrigin& origin = serve(80, [](const Request&) { return Answer{answer_with("")}; });
  HttpText text("some text");
  ASSERT_TRUE(fetch({.method = "PUT", .url = url_of("http://a.test/"), .content = &text}));
  ASSERT_TRUE(fetch({.method = "PUT", .url = url_of("http://a.test/"), .content = &drip}));
  EXPECT_EQ(origin.requests.at(0).content, "some text");
  EXPECT_EQ(origin.requests.at(0).field("content-length"), "9");
  EXPECT_EQ(origin.requests.at(0).field("expect"), "");
  EXPECT_EQ(origin.requests.at(1).content, "xxxxx");
  EXPECT_EQ(origin.requests.at(1).field("transfer-encoding"), "chunked");
  EXPECT_EQ(origin.requests.at(1).field("expect"), "100-continue");
  EXPECT_EQ(origin.connections, 1u) << "both were sent to the end";
}

TEST_F(Agent, waits_with_much_content_for_consent_and_takes_a_refusal) {
  ScriptedOrigin& origin = serve(80, [](const Request&) { return Answer{answer_with("")}; });
  HttpText text(std::string(2'000'000, 'x'));
  ASSERT_TRUE(fetch({.method = "PUT", .url = url_of("http://a.test/"), .content = &text}));
  EXPECT_EQ(origin.requests.at(0).content.size(), 2'000'000u);
  origin.consent = answer_with("no", "Connection: close\r\n", "413 Content Too Large");
  EXPECT_TRUE(text.rewind());
  const auto outcome = fetch({.method = "PUT", .url = url_of("http://a.test/"), .content = &text});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->status, 413);
  EXPECT_EQ(store.content, "no");
  EXPECT_EQ(origin.requests.at(1).content, "");
}

TEST_F(Agent, gives_up_on_content_that_cannot_be_read_or_is_shorter_than_it_says) {
  class Broken final : public HttpSource {
   public:
    explicit Broken(std::error_code of) : error(of) {}
    std::optional<u64> length() const override { return 100; }
    asio::awaitable<Moved> read(MutBytes) override { co_return Moved{error, 0}; }
    bool rewind() override { return false; }
    std::error_code error;
  };
  serve(80, [](const Request&) { return Answer{answer_with("")}; });
  for (const auto& code : {std::make_error_code(std::errc::io_error), std::error_code{}}) {
    Broken broken(code);
    const auto outcome =
        fetch({.method = "PUT", .url = url_of("http://a.test/"), .content = &broken});
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, Kind::source);
    EXPECT_EQ(outcome.error().code, code ? code : std::make_error_code(std::errc::message_size));
  }
}

TEST_F(Agent, reads_an_answer_that_is_larger_than_all_buffers_while_it_still_sends) {
  const std::string much(3'000'000, 'a');
  // The origin answers in the middle of the request, and reads the rest only then.
  TcpListener listener(*stacks.server, {server_address, 81});
  std::size_t received = 0;
  const auto echo = [&]() -> asio::awaitable<void> {
    TcpStream stream = co_await listener.async_accept(asio::use_awaitable);
    std::vector<char> room(65536);
    received = co_await stream.async_read_some(asio::buffer(room), asio::use_awaitable);
    const std::string answer = "HTTP/1.1 100 Continue\r\n\r\n" + answer_with(much);
    co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
    std::error_code error;
    while (!error)
      received += co_await stream.async_read_some(asio::buffer(room),
                                                  asio::redirect_error(asio::use_awaitable, error));
  };
  stacks.spawn(echo());
  HttpText text(much);
  const auto outcome =
      fetch({.method = "POST", .url = url_of("http://a.test:81/"), .content = &text});
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(store.content == much);
}

TEST_F(Agent, follows_redirects_and_changes_the_method_as_they_say) {
  ScriptedOrigin& origin = serve(80, [](const Request& request) {
    if (request.target == "/end") return Answer{answer_with("here")};
    const std::string status = request.target == "/307" ? "307 X" : "302 Found";
    return Answer{answer_with("not here", "Location: /end\r\n", status)};
  });
  HttpText text("data");
  const HttpFetch post{.method = "POST",
                       .url = url_of("http://a.test/302"),
                       .fields = {{"Content-Type", "text/x"}, {"X-Kept", "1"}},
                       .content = &text};
  const auto outcome = fetch(post);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->url.text(), "http://a.test/end");
  EXPECT_EQ(store.content, "here");
  EXPECT_EQ(origin.requests.at(1).method, "GET");
  EXPECT_EQ(origin.requests.at(1).field("content-type"), "");
  EXPECT_EQ(origin.requests.at(1).field("content-length"), "");
  EXPECT_EQ(origin.requests.at(1).field("x-kept"), "1");
  EXPECT_EQ(origin.connections, 1u);
  HttpFetch kept = post;
  kept.url = url_of("http://a.test/307");
  text.rewind();
  ASSERT_TRUE(fetch(kept).has_value());
  EXPECT_EQ(origin.requests.at(3).method, "POST");
  EXPECT_EQ(origin.requests.at(3).content, "data");
}

TEST_F(Agent, keeps_what_is_for_one_origin_from_another) {
  const auto answer = [](const Request& request) {
    if (request.target == "/end") return Answer{answer_with("here")};
    return Answer{answer_with("", "Location: http://b.test:81/end\r\nSet-Cookie: s=1\r\n",
                              "301 Moved Permanently")};
  };
  ScriptedOrigin& first = serve(80, answer);
  ScriptedOrigin& second = serve(81, answer);
  fetch({.url = url_of("http://a.test/"),
         .fields = {{"Authorization", "Basic eA=="}, {"cookie", "x=y"}, {"X-Other", "1"}}});
  EXPECT_EQ(first.requests.at(0).field("authorization"), "Basic eA==");
  EXPECT_EQ(second.requests.at(0).field("authorization"), "");
  EXPECT_EQ(second.requests.at(0).field("cookie"), "");
  EXPECT_EQ(second.requests.at(0).field("x-other"), "1");
}

TEST_F(Agent, gives_up_after_so_many_redirects_and_shows_one_that_it_may_not_follow) {
  ScriptedOrigin& origin = serve(80, [](const Request&) {
    return Answer{answer_with("loop", "Location: /\r\n", "302 Found")};
  });
  make({.redirects_max = 3});
  const auto outcome = get("http://a.test/");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, Kind::redirect);
  EXPECT_EQ(origin.requests.size(), 4u);
  make({.redirects_max = 0});
  const auto shown = get("http://a.test/");
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->location, "/");
  EXPECT_EQ(store.content, "loop");
}

TEST_F(Agent, gives_cookies_back_also_on_the_way_of_a_redirect) {
  ScriptedOrigin& origin = serve(80, [](const Request& request) {
    if (request.target == "/login")
      return Answer{answer_with("",
                                "Location: /home\r\nSet-Cookie: id=7; Path=/\r\n"
                                "Set-Cookie: gone=1; Max-Age=0\r\n",
                                "303 See Other")};
    return Answer{answer_with("")};
  });
  get("http://a.test/login");
  EXPECT_EQ(origin.requests.at(0).field("cookie"), "");
  EXPECT_EQ(origin.requests.at(1).field("cookie"), "id=7");
  get("http://b.test/home");
  EXPECT_EQ(origin.requests.at(2).field("cookie"), "");
}

TEST_F(Agent, asks_once_more_where_an_idle_connection_died_unless_that_could_do_harm) {
  u32 answered = 0;
  ScriptedOrigin& origin = serve(80, [&](const Request& request) {
    // The second request of a connection meets a server that goes away at this moment.
    const bool is_second = request.connection == 1 && ++answered == 2;
    return is_second ? Answer{"", true} : Answer{answer_with("ok"), false};
  });
  ASSERT_TRUE(get("http://a.test/").has_value());
  ASSERT_TRUE(get("http://a.test/").has_value());
  EXPECT_EQ(origin.requests.size(), 3u);
  EXPECT_EQ(origin.connections, 2u);
  // The same for POST is a failure.
  answered = 0;
  ScriptedOrigin& other = serve(81, [&](const Request&) {
    return ++answered == 2 ? Answer{"", true} : Answer{answer_with("ok"), false};
  });
  ASSERT_TRUE(get("http://a.test:81/").has_value());
  const auto outcome = fetch({.method = "POST", .url = url_of("http://a.test:81/")});
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, Kind::cut_off);
  EXPECT_EQ(other.requests.size(), 2u);
}

TEST_F(Agent, does_not_reuse_what_the_server_closed_or_what_was_idle_too_long) {
  ScriptedOrigin& origin = serve(80, [](const Request& request) {
    return Answer{answer_with("ok"), request.target == "/close"};
  });
  get("http://a.test/close");
  stacks.run_for(1s);
  ASSERT_TRUE(fetch({.method = "POST", .url = url_of("http://a.test/")}).has_value());
  EXPECT_EQ(origin.connections, 2u);
  stacks.run_for(59s);
  get("http://a.test/");
  EXPECT_EQ(origin.connections, 2u);
  stacks.run_for(61s);
  get("http://a.test/");
  EXPECT_EQ(origin.connections, 3u);
  EXPECT_EQ(agent->pool().size(), 1u);
}

TEST_F(Agent, keeps_no_more_idle_connections_than_it_may) {
  serve(80, [](const Request&) { return Answer{answer_with("ok")}; });
  make({.pool = {.idle_connections_max = 2}});
  for (const char* host : {"a", "b", "c", "d"}) get("http://" + std::string(host) + ".test/");
  EXPECT_EQ(agent->pool().size(), 2u);
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  stream.next_in = const_cast<Bytef*>(as_bytes(text).data());
  stream.avail_in = to<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = to<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

TEST_F(Agent, unpacks_content_where_it_asked_for_packed_one) {
  const std::string text(1'000'000, 'z');
  std::string packed = gzipped(text);
  std::string coding = "gzip";
  ScriptedOrigin& origin = serve(80, [&](const Request&) {
    return Answer{answer_with(packed, "Content-Encoding: " + coding + "\r\n")};
  });
  ASSERT_TRUE(get("http://a.test/").has_value());
  EXPECT_TRUE(store.content == packed) << "nobody asked to unpack it";
  make({.decompress = true, .decoded_bytes_max = 2'000'000});
  ASSERT_TRUE(get("http://a.test/").has_value());
  EXPECT_EQ(origin.requests.at(1).field("accept-encoding"), "gzip, br, zstd");
  EXPECT_TRUE(store.content == text);
  EXPECT_EQ(store.length, std::nullopt);
  packed = gzipped(packed);
  coding = "gzip, gzip";
  ASSERT_TRUE(get("http://a.test/").has_value());
  EXPECT_TRUE(store.content == text);
}

TEST_F(Agent, refuses_content_that_it_cannot_unpack) {
  std::string packed;
  std::string coding = "gzip";
  serve(80, [&](const Request&) {
    return Answer{answer_with(packed, "Content-Encoding: " + coding + "\r\n")};
  });
  make({.decompress = true, .decoded_bytes_max = 1000});
  const auto refusal = [&](const std::string& content, const std::string& by) {
    packed = content;
    coding = by;
    const auto outcome = get("http://a.test/");
    EXPECT_FALSE(outcome.has_value());
    if (outcome) return std::string();
    EXPECT_EQ(outcome.error().kind, Kind::coding);
    return outcome.error().advice;
  };
  EXPECT_THAT(refusal("plain text", "gzip"), HasSubstr("not gzip"));
  EXPECT_THAT(refusal(gzipped("text").substr(0, 15), "gzip"), HasSubstr("too early"));
  EXPECT_THAT(refusal(gzipped(std::string(1001, 'x')), "gzip"), HasSubstr("too large"));
  EXPECT_THAT(refusal("x", "compress"), HasSubstr("compress, which is not known"));
  EXPECT_THAT(refusal("x", "gzip, gzip, gzip"), HasSubstr("too many times"));
}

TEST_F(Agent, names_the_limit_that_has_passed) {
  TcpListener silent(*stacks.server, {server_address, 82});
  make({.limits = {.first_byte = 3s, .idle = 9s}});
  const Instant begin = stacks.now();
  const auto outcome = get("http://a.test:82/");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, Kind::timeout);
  EXPECT_THAT(outcome.error().why, HasSubstr("does not answer"));
  EXPECT_THAT(outcome.error().advice, HasSubstr("3 s"));
  EXPECT_NEAR(std::chrono::duration<double>(stacks.now() - begin).count(), 3.01, 0.02);
  serve(80,
        [](const Request&) { return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}; });
  const auto stopped = get("http://a.test/");
  ASSERT_FALSE(stopped.has_value());
  EXPECT_THAT(stopped.error().why, HasSubstr("stopped sending"));
  EXPECT_EQ(stopped.error().content_bytes, 2u);
  EXPECT_TRUE(stopped.error().is_answered);
}

TEST_F(Agent, tells_trailers_and_the_length_of_what_a_head_has_not) {
  serve(80, [](const Request& request) {
    if (request.method == "HEAD") return Answer{"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"};
    return Answer{
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n"};
  });
  ASSERT_TRUE(get("http://a.test/").has_value());
  EXPECT_EQ(store.content, "ab");
  EXPECT_EQ(store.trailers, "X-Sum ");
  ASSERT_TRUE(fetch({.method = "HEAD", .url = url_of("http://a.test/")}).has_value());
  EXPECT_EQ(store.content, "");
}

TEST_F(Agent, cancelled_ends_what_is_under_way_and_begins_nothing_more) {
  TcpListener silent(*stacks.server, {server_address, 82});
  make();
  std::optional<HttpOutcome> outcome;
  const auto run = [&]() -> asio::awaitable<void> {
    const HttpFetch request{.url = url_of("http://a.test:82/")};
    HttpOutcome result = co_await agent->fetch(request, store);
    outcome.emplace(std::move(result));
  };
  stacks.spawn(run());
  stacks.run_for(1s);
  agent->cancel();
  EXPECT_TRUE(stacks.run_until([&] { return outcome.has_value(); }, 1s));
  EXPECT_EQ(outcome->error().kind, Kind::cancelled);
  EXPECT_EQ(get("http://a.test/").error().kind, Kind::cancelled);
}

TEST_F(Agent, asks_a_proxy_for_http_in_absolute_form) {
  ScriptedOrigin& proxy = serve(3128, [](const Request&) { return Answer{answer_with("via")}; });
  HttpAgent::Options options;
  options.dial.proxy = url_of("http://proxy.test:3128");
  make(options);
  ASSERT_TRUE(get("http://a.test:8080/x").has_value());
  EXPECT_EQ(proxy.requests.at(0).target, "http://a.test:8080/x");
  EXPECT_EQ(proxy.requests.at(0).field("host"), "a.test:8080");
  EXPECT_THAT(names.asked, ElementsAre("proxy.test"));
}

TEST_F(Agent, tells_what_a_proxy_says_to_a_tunnel) {
  for (const auto& [says, why] : std::vector<std::pair<std::string, std::string>>{
           {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"},
           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", "the proxy answered 503"},
           {"HTTP/1.1 200 OK\r\n\r\nunasked", "unasked"},
           {"SSH-2.0-x\r\n\r\n", "no HTTP version"},
           {"", "closed the connection"}}) {
    std::string asked;
    TcpListener listener(*stacks.server, {server_address, 3128});
    const auto talk = [&]() -> asio::awaitable<void> {
      TcpStream stream = co_await listener.async_accept(asio::use_awaitable);
      std::array<char, 512> room;
      const std::size_t n =
          co_await stream.async_read_some(asio::buffer(room), asio::use_awaitable);
      asked.assign(room.data(), n);
      co_await asio::async_write(stream, asio::buffer(says), asio::use_awaitable);
      std::error_code ignored;
      stream.shutdown(asio::socket_base::shutdown_send, ignored);
      co_await stream.async_read_some(asio::buffer(room),
                                      asio::redirect_error(asio::use_awaitable, ignored));
    };
    stacks.spawn(talk());
    HttpAgent::Options options;
    options.dial.proxy = url_of("http://proxy.test:3128");
    make(options);
    const auto outcome = get("https://a.test/");
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, Kind::proxy);
    EXPECT_THAT(outcome.error().why, HasSubstr(why));
    EXPECT_EQ(asked, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
  }
}

}  // namespace
}  // namespace handfast::io
