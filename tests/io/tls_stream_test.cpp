// TLS over our own TCP, in virtual time: the stream's verbs, and HTTP on top of it.
#include "io/tls_stream.hpp"

#include <cstring>
#include <optional>

#include <asio/read.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include "crypto/certificate_builder.hpp"
#include "io/http_client.hpp"
#include "io/http_server.hpp"
#include "io/http_site.hpp"
#include "io/tls_listener.hpp"
#include "io/two_stacks.hpp"
#include "support/test_directory.hpp"

namespace handfast::io {
namespace {

constexpr const char* name = "server.example";

/// A CA, and a certificate of it.
struct Authority {
  crypto::PrivateKey key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
  crypto::Certificate certificate = make({.role = crypto::CertificateRole::ca}, key.public_key());

  crypto::Certificate make(crypto::CertificateTemplate wanted, const crypto::PublicKey& of) {
    wanted.not_after = WallTime(std::chrono::years{40});
    const bool is_root = wanted.role == crypto::CertificateRole::ca;
    if (is_root) wanted.common_name = "CA";
    return *issue(wanted, of, is_root ? nullptr : &certificate, key);
  }
  tls::Identity identity(crypto::CertificateTemplate wanted) {
    auto own_key = *crypto::PrivateKey::generate(crypto::KeyType::ec_p256);
    const auto own = make(std::move(wanted), own_key.public_key());
    return *tls::Identity::make({own.der()}, std::move(own_key));
  }
  crypto::ChainVerifier verifier() {
    crypto::TrustStore store;
    store.add(certificate);
    return crypto::ChainVerifier(std::move(store));
  }
};

class TlsOverOurStack : public testing::Test {
 public:
  TlsOverOurStack() : listener(*stacks.server, server_at) {
    for (TlsContext* context : {&client, &server}) {
      context->wall_clock = [] { return WallTime(std::chrono::years{1}); };
      context->clock = [this] { return stacks.now(); };
      context->on_failure = [this](const wire::Endpoint&, const tls::Error& error) {
        failures.push_back(error.why);
      };
    }
    client.verifier = authority.verifier();
    server.config.identities.push_back(authority.identity({.dns = {name}}));
    server.give_tickets();
  }

  using Stream = TlsStream<TcpStream>;
  asio::awaitable<Stream> accepted() {
    TcpStream lower = co_await listener.async_accept(asio::use_awaitable);
    co_return Stream(std::move(lower), server);
  }
  asio::awaitable<Stream> connected(std::string wanted = name) {
    TcpStream lower(*stacks.client);
    co_await lower.async_connect(server_at, asio::use_awaitable);
    co_return Stream(std::move(lower), client, wanted);
  }
  /// Reads all, sends it back, and ends.
  asio::awaitable<void> echo() {
    Stream stream = co_await accepted();
    std::vector<u8> buffer(50'000);
    std::error_code error;
    for (;;) {
      const std::size_t n = co_await stream.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      co_await asio::async_write(stream, asio::buffer(buffer.data(), n), asio::use_awaitable);
    }
    ending = error;
    stream.shutdown(asio::socket_base::shutdown_send, error);
  }

  TwoStacks stacks;
  Authority authority;
  TlsContext client;
  TlsContext server;
  TcpListener listener;
  std::vector<std::string> failures;
  std::error_code ending;
};

TEST_F(TlsOverOurStack, carries_data_both_ways_and_ends_cleanly) {
  const std::string text = pattern(300'000);
  std::string back;
  stacks.spawn(echo());
  stacks.spawn(
      [](TlsOverOurStack& test, const std::string& all, std::string& got) -> asio::awaitable<void> {
        Stream stream = co_await test.connected();
        asio::co_spawn(
            test.stacks.context,
            [](Stream& to, const std::string& what) -> asio::awaitable<void> {
              co_await asio::async_write(to, asio::buffer(what), asio::use_awaitable);
              co_await to.async_shutdown(asio::use_awaitable);
            }(stream, all),
            asio::detached);
        std::error_code error;
        co_await asio::async_read(stream, asio::dynamic_buffer(got),
                                  asio::redirect_error(asio::use_awaitable, error));
        EXPECT_EQ(error, asio::error::eof);
        EXPECT_TRUE(stream.session().is_connected());
      }(*this, text, back));
  stacks.run_coroutines();
  EXPECT_EQ(back, text);
  EXPECT_EQ(ending, asio::error::eof);
  EXPECT_TRUE(failures.empty());
}

TEST_F(TlsOverOurStack, holds_no_buffer_while_it_waits_to_read) {
  const auto lent = [this] {
    return client.spare_buffers->bytes_lent() + server.spare_buffers->bytes_lent();
  };
  std::vector<std::string> steps;
  const auto note = [&](std::string what) {
    return [&, what](std::error_code error, std::size_t n = 0) {
      steps.push_back(what + " " + std::to_string(error ? -1 : to<int>(n)));
    };
  };
  std::optional<Stream> one;
  std::optional<Stream> other;
  stacks.spawn([](TlsOverOurStack& test, auto& end) -> asio::awaitable<void> {
    end.emplace(co_await test.accepted());
    co_await end->async_handshake(asio::use_awaitable);
  }(*this, other));
  stacks.spawn([](TlsOverOurStack& test, auto& end) -> asio::awaitable<void> {
    end.emplace(co_await test.connected());
    co_await end->async_handshake(asio::use_awaitable);
  }(*this, one));
  stacks.run_for(1s);
  ASSERT_TRUE(one && other && one->session().is_connected() && other->session().is_connected());
  one->async_wait(asio::socket_base::wait_read, note("client can read"));
  other->async_wait(asio::socket_base::wait_read, note("server can read"));
  stacks.run_for(1s);
  EXPECT_EQ(lent(), 0U);
  EXPECT_TRUE(steps.empty());
  one->async_write_some(asio::buffer("hello", 5), note("wrote"));
  stacks.run_for(1s);
  EXPECT_EQ(steps, (std::vector<std::string>{"wrote 5", "server can read 0"}));
  EXPECT_GT(lent(), 0U) << "plaintext that nobody has read is somewhere";
  std::string room(3, ' ');
  for (const char* expected : {"hel", "lo"}) {
    steps.clear();
    other->async_read_some(asio::buffer(room), note("read"));
    EXPECT_TRUE(steps.empty()) << "a handler was called from inside";
    stacks.run_for(1s);
    EXPECT_EQ(steps, std::vector<std::string>{"read " + std::to_string(strlen(expected))});
    EXPECT_TRUE(room.starts_with(expected)) << room;
  }
  EXPECT_EQ(lent(), 0U);
  one->cancel();
  stacks.run_for(1s);
  EXPECT_EQ(steps.back(), "client can read -1");
}

TEST_F(TlsOverOurStack, holds_four_records_for_a_reader_that_does_not_read) {
  const std::string text = pattern(10'000'000);
  u64 written = 0;
  stacks.spawn([](TlsOverOurStack& test, const std::string& all, u64& n) -> asio::awaitable<void> {
    Stream stream = co_await test.accepted();
    while (n < all.size())
      n += co_await stream.async_write_some(asio::buffer(all) + n, asio::use_awaitable);
  }(*this, text, written));
  stacks.spawn([](TlsOverOurStack& test) -> asio::awaitable<void> {
    Stream stream = co_await test.connected();
    co_await stream.async_handshake(asio::use_awaitable);
    co_await test.stacks.client->async_sleep(100s, asio::use_awaitable);
  }(*this));
  stacks.run_for(90s);
  EXPECT_GT(written, 0U);
  EXPECT_LT(written, text.size());
  EXPECT_GT(server.spare_buffers->bytes_lent(), 0U);
  EXPECT_LE(server.spare_buffers->bytes_lent(), 4U * tls::record_size_max);
}

TEST_F(TlsOverOurStack, takes_an_end_without_close_notify_for_what_it_is) {
  stacks.spawn(echo());
  stacks.spawn([](TlsOverOurStack& test) -> asio::awaitable<void> {
    Stream stream = co_await test.connected();
    co_await stream.async_handshake(asio::use_awaitable);
    std::error_code error;
    stream.lower().shutdown(asio::socket_base::shutdown_send, error);
    co_await test.stacks.client->async_sleep(1s, asio::use_awaitable);
  }(*this));
  stacks.run_coroutines();
  EXPECT_EQ(ending, TlsErrc::truncated);
}

TEST_F(TlsOverOurStack, refuses_a_certificate_for_another_name_and_both_ends_say_why) {
  stacks.spawn(echo());
  std::error_code error;
  std::string why;
  stacks.spawn([](TlsOverOurStack& test, std::error_code& outcome,
                  std::string& reason) -> asio::awaitable<void> {
    Stream stream = co_await test.connected("other.example");
    co_await stream.async_handshake(asio::redirect_error(asio::use_awaitable, outcome));
    reason = stream.why();
    co_await test.stacks.client->async_sleep(1s, asio::use_awaitable);
  }(*this, error, why));
  stacks.run_coroutines();
  EXPECT_EQ(error, TlsErrc::failed);
  EXPECT_NE(why.find("other.example"), std::string::npos) << why;
  EXPECT_EQ(ending, TlsErrc::refused);
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_NE(failures[1].find("bad_certificate"), std::string::npos) << failures[1];
}

TEST_F(TlsOverOurStack, wants_a_client_certificate_where_it_is_told_to) {
  server.config.client_auth = tls::ClientAuth::require;
  server.verifier = authority.verifier();
  for (const bool has_one : {false, true}) {
    if (has_one)
      client.config.identities.push_back(
          authority.identity({.role = crypto::CertificateRole::client, .common_name = "a client"}));
    stacks.spawn(echo());
    std::error_code error;
    stacks.spawn([](TlsOverOurStack& test, std::error_code& outcome) -> asio::awaitable<void> {
      Stream stream = co_await test.connected();
      std::string byte = "x";
      co_await asio::async_write(stream, asio::buffer(byte),
                                 asio::redirect_error(asio::use_awaitable, outcome));
      co_await asio::async_read(stream, asio::buffer(byte),
                                asio::redirect_error(asio::use_awaitable, outcome));
      stream.close();
    }(*this, error));
    stacks.run_coroutines();
    EXPECT_EQ(error, has_one ? std::error_code{} : std::error_code(TlsErrc::refused));
  }
}

class Store final : public HttpSink {
 public:
  bool on_head(const http::Response&, std::optional<u64>) override { return true; }
  std::error_code on_content(Bytes bytes) override {
    content += as_text(bytes);
    return {};
  }
  std::string content;
};

TEST_F(TlsOverOurStack, carries_HTTP_and_resumes_its_session) {
  test::TestDirectory directory;
  const std::string text = test::TestDirectory::content(300'000);
  directory.write("file", text);
  HttpDirectory site(*FileTree::open(directory.path()));
  HttpServer http(any_listener(std::move(listener), &server), std::ref(site));
  stacks.spawn(http.run());
  for (const bool resumed : {false, true}) {
    Store store;
    bool done = false;
    stacks.spawn([](TlsOverOurStack& test, Store& into, bool expected,
                    bool& finished) -> asio::awaitable<void> {
      Stream stream = co_await test.connected();
      HttpClient<Stream> asks(stream);
      const auto result = co_await asks.get(*http::parse_url("https://server.example/file"), into);
      EXPECT_TRUE(result.has_value());
      EXPECT_EQ(stream.session().summary().is_resumed, expected);
      stream.close();
      finished = true;
    }(*this, store, resumed, done));
    EXPECT_TRUE(stacks.run_until([&] { return done; }));
    EXPECT_EQ(store.content, text);
  }
  http.stop();
  stacks.run_coroutines();
  EXPECT_EQ(http.counters().requests, 2U);
  EXPECT_TRUE(failures.empty());
}

/// A server that answers early data at once, and what its client saw of it.
class EarlyData : public TlsOverOurStack {
 public:
  EarlyData() {
    client.config.offers_early_data = true;
    client.config.protocols = server.config.protocols = {"one", "two"};
    server.take_early_data(1000);
  }
  /// Sends `text` on a new connection, and hears the echo of it; returns what became of it.
  tls::EarlyData exchange(const std::string& text) {
    stacks.spawn(echo());
    tls::EarlyData outcome{};
    stacks.spawn([](EarlyData& test, const std::string& all,
                    tls::EarlyData& result) -> asio::awaitable<void> {
      Stream stream = co_await test.connected();
      const Instant begun = test.stacks.now();
      std::error_code error;
      co_await asio::async_write(stream, asio::buffer(all),
                                 asio::redirect_error(asio::use_awaitable, error));
      std::string back(all.size(), ' ');
      if (!error)
        co_await asio::async_read(stream, asio::buffer(back),
                                  asio::redirect_error(asio::use_awaitable, error));
      test.took = test.stacks.now() - begun;
      test.failed = error;
      EXPECT_TRUE(error || back == all);
      result = stream.session().summary().early_data;
      co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    }(*this, text, outcome));
    stacks.run_coroutines();
    return outcome;
  }
  Duration took{};
  std::error_code failed;
};

TEST_F(EarlyData, saves_a_round_trip) {
  EXPECT_EQ(exchange("first"), tls::EarlyData::none);
  const Duration whole = took;
  EXPECT_EQ(exchange("early"), tls::EarlyData::accepted);
  EXPECT_LT(took, whole * 3 / 4);
  EXPECT_FALSE(failed);
}

TEST_F(EarlyData, of_which_not_all_fits_is_followed_by_the_rest) {
  EXPECT_EQ(exchange("first"), tls::EarlyData::none);
  EXPECT_EQ(exchange(pattern(100'000)), tls::EarlyData::accepted);
  EXPECT_FALSE(failed);
}

TEST_F(EarlyData, that_is_rejected_arrives_all_the_same) {
  EXPECT_EQ(exchange("first"), tls::EarlyData::none);
  server.config.early_bytes_max = 0;
  EXPECT_EQ(exchange(pattern(5000)), tls::EarlyData::rejected);
  EXPECT_FALSE(failed);
}

TEST_F(EarlyData, is_not_sent_again_in_another_protocol) {
  EXPECT_EQ(exchange("first"), tls::EarlyData::none);
  server.config.protocols = {"two"};
  EXPECT_EQ(exchange("early"), tls::EarlyData::rejected);
  EXPECT_EQ(failed, TlsErrc::early_data_rejected);
}

}  // namespace
}  // namespace handfast::io
