// How an operation ends before its time: cancelled, out of time, closed, destroyed, stopped.
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include "io/error.hpp"
#include "io/tcp_listener.hpp"
#include "io/tcp_stream.hpp"
#include "io/timer.hpp"
#include "io/two_stacks.hpp"
#include "io/udp_socket.hpp"

namespace handfast::io {
namespace {

using asio::use_awaitable;
constexpr auto as_result = asio::experimental::as_tuple(use_awaitable);

/// One connection, one listener and so on, and every operation that can wait on them.
class EveryOperation : public ::testing::Test {
 protected:
  EveryOperation()
      : listener(std::in_place, *net.server, server_at),
        client(std::in_place, *net.client),
        server(std::in_place, *net.server),
        opening(std::in_place, *net.client),
        udp(std::in_place, *net.client, wire::Endpoint{client_address, 5000}),
        timer(std::in_place, *net.client, 1h) {
    listener->async_accept([this](std::error_code, TcpStream s) { server.emplace(std::move(s)); });
    client->async_connect(server_at, [](std::error_code) {});
    net.run_for(1s);
    EXPECT_TRUE(server->is_open());
    // From here on nothing gets through, so whatever waits goes on waiting.
    net.cut = true;
    while (!client->send_space(1 << 20).empty())
      client->send(to<u32>(client->send_space(1 << 20).size()));
  }

  /// Starts them all, each with the slot of a signal of its own.
  void start_all() {
    const auto with = [this](const char* name) {
      auto* note = &outcomes.emplace_back(name, std::error_code{}, false);
      const auto handler = [note](std::error_code error, auto&&...) {
        EXPECT_FALSE(std::get<bool>(*note)) << std::get<0>(*note) << " completed twice";
        std::get<std::error_code>(*note) = error;
        std::get<bool>(*note) = true;
      };
      signals.push_back(std::make_unique<asio::cancellation_signal>());
      return asio::bind_cancellation_slot(signals.back()->slot(), handler);
    };
    listener->async_accept(with("accept"));
    opening->async_connect({server_address, 8}, with("connect"));
    async_connect(*net.client, {server_address, 9}, with("connect function"));
    server->async_read_some(asio::buffer(memory), with("read"));
    server->async_wait(asio::socket_base::wait_read, with("wait for reading"));
    client->async_write_some(asio::buffer(memory), with("write"));
    client->async_wait(asio::socket_base::wait_write, with("wait for writing"));
    udp->async_receive_from(asio::buffer(memory), sender, with("receive"));
    timer->async_wait(with("timer"));
    net.client->async_sleep(1h, with("sleep"));
    net.run_for(1ms);
  }

  void expect_completed(std::size_t count) {
    std::size_t completed = 0;
    for (const auto& [name, error, done] : outcomes) completed += done ? 1U : 0U;
    EXPECT_EQ(completed, count);
  }
  void expect_all_aborted() {
    for (const auto& [name, error, done] : outcomes) {
      EXPECT_TRUE(done) << name;
      EXPECT_EQ(error, asio::error::operation_aborted) << name << ": " << error.message();
    }
  }

  // These outlive what waits.
  std::array<char, 64> memory{};
  wire::Endpoint sender;
  std::deque<std::tuple<const char*, std::error_code, bool>> outcomes;
  std::vector<std::unique_ptr<asio::cancellation_signal>> signals;

  TwoStacks net;
  std::optional<TcpListener> listener;
  std::optional<TcpStream> client;
  std::optional<TcpStream> server;
  std::optional<TcpStream> opening;
  std::optional<UdpSocket> udp;
  std::optional<Timer> timer;
};

TEST_F(EveryOperation, is_cancelled_by_its_slot_alone) {
  start_all();
  for (std::size_t i = 0; i < signals.size(); ++i) {
    signals[i]->emit(asio::cancellation_type::terminal);
    signals[i]->emit(asio::cancellation_type::terminal);  // a second time does nothing
    net.run_for(1ms);
    expect_completed(i + 1);
  }
  expect_all_aborted();
}

TEST_F(EveryOperation, ignores_its_slot_once_it_is_complete) {
  start_all();
  net.client->stop();
  net.server->stop();
  net.run_for(1ms);
  expect_all_aborted();
  for (const auto& signal : signals) signal->emit(asio::cancellation_type::partial);
  net.run_for(1ms);
}

TEST_F(EveryOperation, is_aborted_when_the_stack_stops) {
  start_all();
  expect_completed(0);
  net.client->stop();
  net.server->stop();
  expect_completed(0);  // no handler runs inside
  net.run_for(1ms);
  expect_all_aborted();
}

TEST_F(EveryOperation, fails_at_once_on_a_stopped_stack) {
  net.client->stop();
  net.server->stop();
  start_all();
  expect_all_aborted();
}

TEST_F(EveryOperation, is_aborted_when_the_stack_is_destroyed) {
  start_all();
  net.client.reset();
  net.server.reset();
  net.run_for(1ms);
  expect_all_aborted();
  EXPECT_EQ(client->connection(), nullptr);
  EXPECT_TRUE(client->received().empty());
  EXPECT_TRUE(client->send_space(1).empty());
  client->close();
}

TEST_F(EveryOperation, is_aborted_when_its_object_is_destroyed) {
  start_all();
  listener.reset();
  client.reset();
  server.reset();
  opening.reset();
  udp.reset();
  timer.reset();
  expect_completed(0);
  net.run_for(1ms);
  expect_completed(outcomes.size() - 2);  // "connect function" and "sleep" have no object
  net.client.reset();
  net.run_for(1ms);
  expect_all_aborted();
}

TEST_F(EveryOperation, is_aborted_when_its_object_is_closed) {
  start_all();
  listener->close();
  client->close();
  server->close();
  opening->close();
  udp->close();
  timer->cancel();
  net.run_for(1ms);
  expect_completed(outcomes.size() - 2);
  EXPECT_FALSE(client->is_open());
  net.client.reset();
  net.run_for(1ms);
  expect_all_aborted();
}

TEST_F(EveryOperation, is_destroyed_with_a_context_that_never_runs_again) {
  start_all();
  net.client.reset();
  net.server.reset();
  // The fixture ends with the handlers still queued: the sanitizers see a leak or worse.
}

TEST_F(EveryOperation, of_a_stream_ends_with_its_time) {
  start_all();
  opening->expires_after(3s);
  client->expires_after(1s);
  server->expires_after(2s);
  net.run_for(999ms);
  expect_completed(0);
  net.run_for(1ms);
  expect_completed(2);
  net.run_for(1s);
  expect_completed(4);
  net.run_for(1s);
  expect_completed(5);
  for (const auto& [name, error, done] : outcomes)
    EXPECT_EQ(error, done ? make_error_condition(std::errc::timed_out) : std::error_condition())
        << name;
  EXPECT_TRUE(client->is_open());
  EXPECT_FALSE(opening->is_open()) << "the attempt should be given up";
}

TEST(Expiry, leaves_the_stream_usable) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  net.spawn([](TwoStacks& n, TcpListener& at) -> asio::awaitable<void> {
    TcpStream client = co_await async_connect(*n.client, server_at, use_awaitable);
    TcpStream server = co_await at.async_accept(use_awaitable);
    std::array<char, 8> buffer;
    server.expires_after(1s);
    const Instant before = n.now();
    const auto [error, none] = co_await server.async_read_some(asio::buffer(buffer), as_result);
    EXPECT_EQ(error, std::errc::timed_out);
    EXPECT_EQ(n.now() - before, 1s);
    co_await client.async_write_some(asio::buffer("abc", 3), use_awaitable);
    server.expires_after(1s);
    EXPECT_EQ(co_await server.async_read_some(asio::buffer(buffer), use_awaitable), 3U);
  }(net, listener));
  net.run_coroutines(60s);
}

TEST(Expiry, can_be_put_off_and_called_off) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  TcpStream client(*net.client);
  client.async_connect(server_at, [](std::error_code) {});
  net.run_for(1s);
  std::array<char, 8> buffer;
  std::error_code error;
  client.expires_after(1s);
  client.async_read_some(asio::buffer(buffer), [&](std::error_code e, std::size_t) { error = e; });
  for (int i = 0; i < 10; ++i) {
    net.run_for(900ms);
    client.expires_after(1s);
  }
  EXPECT_FALSE(error);
  client.expires_never();
  net.run_for(1h);
  EXPECT_FALSE(error);
  client.expires_after(1s);
  net.run_for(1s);
  EXPECT_EQ(error, std::errc::timed_out);
}

TEST(Expiry, of_a_connect_that_nobody_answers_gives_it_up) {
  TwoStacks net;
  net.cut = true;
  TcpStream stream(*net.client);
  std::error_code error;
  stream.expires_after(5s);
  stream.async_connect(server_at, [&](std::error_code e) { error = e; });
  EXPECT_TRUE(net.run_until([&] { return static_cast<bool>(error); }));
  EXPECT_EQ(error, std::errc::timed_out);
  EXPECT_EQ(net.now().time_since_epoch(), 5s);
  net.run_for(1s);
  EXPECT_EQ(net.client->host().census().connections, 0U);
}

TEST(Cancellation, of_a_coroutine_cancels_what_it_waits_for) {
  using asio::experimental::awaitable_operators::operator||;
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  net.spawn([](TwoStacks& n, TcpListener& at) -> asio::awaitable<void> {
    const Instant before = n.now();
    auto first =
        co_await (at.async_accept(use_awaitable) || n.client->async_sleep(3s, use_awaitable));
    EXPECT_EQ(first.index(), 1U);
    EXPECT_EQ(n.now() - before, 3s);
    TcpStream client = co_await async_connect(*n.client, server_at, use_awaitable);
    TcpStream server = co_await at.async_accept(use_awaitable);
    std::array<char, 8> buffer;
    auto second = co_await (server.async_read_some(asio::buffer(buffer), use_awaitable) ||
                            n.client->async_sleep(3s, use_awaitable));
    EXPECT_EQ(second.index(), 1U);
    co_await client.async_write_some(asio::buffer("abc", 3), use_awaitable);
    auto third = co_await (server.async_read_some(asio::buffer(buffer), use_awaitable) ||
                           n.client->async_sleep(3s, use_awaitable));
    EXPECT_EQ(third.index(), 0U);
  }(net, listener));
  net.run_coroutines(60s);
}

TEST(Cancellation, of_a_connect_sends_no_more) {
  TwoStacks net;
  net.cut = true;
  TcpStream stream(*net.client);
  asio::cancellation_signal signal;
  std::error_code error;
  stream.async_connect(server_at, asio::bind_cancellation_slot(
                                      signal.slot(), [&](std::error_code e) { error = e; }));
  net.run_for(500ms);
  signal.emit(asio::cancellation_type::total);
  net.run_for(1ms);
  EXPECT_EQ(error, asio::error::operation_aborted);
  EXPECT_EQ(net.client->host().census().connections, 0U);
  net.cut = false;
  net.run_for(1h);
  EXPECT_EQ(net.frames, 0U);
}

}  // namespace
}  // namespace handfast::io
