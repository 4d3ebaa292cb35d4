#include "io/tcp_stream.hpp"

#include <array>
#include <future>
#include <string>
#include <system_error>

#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include "io/error.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {
namespace {

using asio::use_awaitable;
using asio::experimental::as_tuple;
constexpr auto as_result = as_tuple(use_awaitable);

/// Sends back what comes until the end, then ends too.
asio::awaitable<void> echo(TcpStream stream) {
  std::array<char, 4096> buffer;
  while (true) {
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), as_result);
    if (error) {
      EXPECT_EQ(error, asio::error::eof);
      co_return;
    }
    co_await asio::async_write(stream, asio::buffer(buffer, size), use_awaitable);
  }
}

asio::awaitable<void> serve_echo(TwoStacks& net, TcpListener& listener, u32 connections) {
  for (u32 i = 0; i < connections; ++i)
    net.spawn(echo(co_await listener.async_accept(use_awaitable)));
}

TEST(TcpStream, echoes_between_coroutines) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  net.spawn(serve_echo(net, listener, 1));
  net.spawn([](TwoStacks& n) -> asio::awaitable<void> {
    TcpStream stream(*n.client);
    co_await stream.async_connect(server_at, use_awaitable);
    EXPECT_EQ(stream.remote_endpoint(), server_at);
    EXPECT_EQ(stream.local_endpoint().address, client_address);
    EXPECT_NE(stream.local_endpoint().port, 0);
    co_await asio::async_write(stream, asio::buffer("hello\nworld", 11), use_awaitable);
    std::string line;
    const std::size_t length =
        co_await asio::async_read_until(stream, asio::dynamic_buffer(line), '\n', use_awaitable);
    EXPECT_EQ(line.substr(0, length), "hello\n");
    stream.shutdown(asio::socket_base::shutdown_send);
    const auto [error, rest] =
        co_await asio::async_read(stream, asio::dynamic_buffer(line), as_result);
    EXPECT_EQ(error, asio::error::eof);
    EXPECT_EQ(line, "hello\nworld");
  }(net));
  net.run_coroutines(10s);
  EXPECT_EQ(net.client->host().census().connections, 0U);
}

asio::awaitable<void> send_all(TcpStream& stream, const std::string& text) {
  const std::size_t sent = co_await asio::async_write(stream, asio::buffer(text), use_awaitable);
  EXPECT_EQ(sent, text.size());
  stream.shutdown(asio::socket_base::shutdown_send);
}

asio::awaitable<void> receive_all(TcpStream& stream, const std::string& expected) {
  std::string text;
  const auto [error, size] =
      co_await asio::async_read(stream, asio::dynamic_buffer(text), as_result);
  EXPECT_EQ(error, asio::error::eof);
  EXPECT_TRUE(text == expected) << "got " << size << " of " << expected.size() << " bytes";
}

TEST(TcpStream, carries_megabytes_both_ways_at_once) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  const std::string up = pattern(8 << 20, 1);
  const std::string down = pattern(8 << 20, 2);
  TcpStream client(*net.client);
  TcpStream server(*net.server);
  net.spawn([](TcpStream& stream) -> asio::awaitable<void> {
    co_await stream.async_connect(server_at, use_awaitable);
  }(client));
  net.spawn([](TcpListener& at, TcpStream& stream) -> asio::awaitable<void> {
    stream = co_await at.async_accept(use_awaitable);
  }(listener, server));
  net.run_coroutines(10s);
  net.spawn(send_all(client, up));
  net.spawn(send_all(server, down));
  net.spawn(receive_all(client, down));
  net.spawn(receive_all(server, up));
  net.run_coroutines();
}

TEST(TcpStream, serves_a_thousand_connections) {
  constexpr u32 count = 1000;
  TwoStacks net;
  TcpListener listener(*net.server, server_at, count);
  net.spawn(serve_echo(net, listener, count));
  u32 answered = 0;
  for (u32 i = 0; i < count; ++i) {
    net.spawn([](TwoStacks& n, u32 number, u32& done) -> asio::awaitable<void> {
      TcpStream stream(*n.client);
      co_await stream.async_connect(server_at, use_awaitable);
      const std::string text = "number " + std::to_string(number);
      co_await asio::async_write(stream, asio::buffer(text), use_awaitable);
      std::string back(text.size(), '\0');
      co_await asio::async_read(stream, asio::buffer(back), use_awaitable);
      EXPECT_EQ(back, text);
      ++done;
    }(net, i, answered));
  }
  net.run_coroutines();
  EXPECT_EQ(answered, count);
}

TEST(TcpStream, runs_the_same_way_twice) {
  const auto run = [] {
    TwoStacks net;
    TcpListener listener(*net.server, server_at);
    net.spawn(serve_echo(net, listener, 20));
    for (u32 i = 0; i < 20; ++i) {
      net.spawn([](TwoStacks& n, u32 size) -> asio::awaitable<void> {
        TcpStream stream(*n.client);
        co_await stream.async_connect(server_at, use_awaitable);
        std::string text = pattern(size);
        co_await asio::async_write(stream, asio::buffer(text), use_awaitable);
        co_await asio::async_read(stream, asio::buffer(text), use_awaitable);
      }(net, 1000 * i + 1));
    }
    net.run_coroutines();
    return std::pair(net.frames, net.now());
  };
  EXPECT_EQ(run(), run());
}

TEST(TcpStream, connect_to_a_port_nobody_listens_on_is_refused) {
  TwoStacks net;
  std::error_code error;
  TcpStream stream(*net.client);
  stream.async_connect(server_at, [&](std::error_code e) { error = e; });
  EXPECT_TRUE(net.run_until([&] { return static_cast<bool>(error); }, 10s));
  EXPECT_EQ(error, tcp::Errc::refused);
  EXPECT_EQ(error, std::errc::connection_refused);
  EXPECT_FALSE(stream.is_open());
}

TEST(TcpStream, can_connect_again_after_a_refusal) {
  TwoStacks net;
  TcpStream stream(*net.client);
  net.spawn([](TwoStacks& n, TcpStream& s) -> asio::awaitable<void> {
    const auto [refused] = co_await s.async_connect(server_at, as_result);
    EXPECT_EQ(refused, std::errc::connection_refused);
    TcpListener listener(*n.server, server_at);
    co_await s.async_connect(server_at, use_awaitable);
    const auto [again] = co_await s.async_connect(server_at, as_result);
    EXPECT_EQ(again, std::errc::already_connected);
  }(net, stream));
  net.run_coroutines(10s);
}

TEST(TcpStream, connect_without_a_route_fails_at_once) {
  TwoStacks net;
  std::error_code error;
  TcpStream stream(*net.client);
  stream.async_connect({wire::IpAddress::v4(203, 0, 113, 1), 7},
                       [&](std::error_code e) { error = e; });
  EXPECT_FALSE(error) << "a handler ran inside the call";
  net.run_until([] { return true; });
  EXPECT_EQ(error, std::errc::network_unreachable);
}

TEST(TcpStream, connect_function_gives_the_stream) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  net.spawn([](TwoStacks& n) -> asio::awaitable<void> {
    TcpStream stream = co_await async_connect(*n.client, server_at, use_awaitable);
    EXPECT_EQ(stream.remote_endpoint(), server_at);
    const auto [error, none] = co_await async_connect(*n.client, {server_address, 9}, as_result);
    EXPECT_EQ(error, std::errc::connection_refused);
    EXPECT_FALSE(none.is_open());
  }(net));
  net.run_coroutines(10s);
}

TEST(TcpStream, can_choose_its_own_port) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  net.spawn([](TwoStacks& n) -> asio::awaitable<void> {
    TcpStream stream(*n.client);
    co_await stream.async_connect(server_at, {.address = {}, .port = 4711}, use_awaitable);
    EXPECT_EQ(stream.local_endpoint(), (wire::Endpoint{client_address, 4711}));
    TcpStream second(*n.client);
    const auto [error] =
        co_await second.async_connect(server_at, {.address = {}, .port = 4711}, as_result);
    EXPECT_EQ(error, std::errc::address_in_use);
  }(net));
  net.run_coroutines(10s);
}

TEST(TcpStream, works_with_futures) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  auto accepted = listener.async_accept(asio::use_future);
  auto opened = async_connect(*net.client, server_at, asio::use_future);
  net.run_for(1s);
  TcpStream client = opened.get();
  TcpStream server = accepted.get();
  std::array<char, 8> buffer{};
  auto read = server.async_read_some(asio::buffer(buffer), asio::use_future);
  auto written = client.async_write_some(asio::buffer("abc", 3), asio::use_future);
  net.run_for(1s);
  EXPECT_EQ(written.get(), 3U);
  EXPECT_EQ(read.get(), 3U);
  EXPECT_EQ(std::string_view(buffer.data(), 3), "abc");
}

/// Both ends of a connection.
struct Ends {
  explicit Ends(TwoStacks& net) : client(*net.client), server(*net.server) {
    TcpListener listener(*net.server, server_at);
    listener.async_accept([&](std::error_code error, TcpStream stream) {
      EXPECT_FALSE(error) << error.message();
      server = std::move(stream);
    });
    client.async_connect(server_at,
                         [](std::error_code error) { EXPECT_FALSE(error) << error.message(); });
    EXPECT_TRUE(net.run_until([&] { return server.is_open(); }, 10s));
    net.run_for(1s);
  }
  TcpStream client;
  TcpStream server;
};

TEST(TcpStream, gathers_and_scatters_buffers) {
  TwoStacks net;
  Ends ends(net);
  const std::array<asio::const_buffer, 3> out{asio::buffer("ab", 2), asio::buffer("", 0),
                                              asio::buffer("cdef", 4)};
  std::array<char, 1> first{};
  std::array<char, 9> second{};
  const std::array<asio::mutable_buffer, 2> in{asio::buffer(first), asio::buffer(second)};
  std::size_t written = 0;
  std::size_t read = 0;
  ends.client.async_write_some(out, [&](std::error_code, std::size_t n) { written = n; });
  ends.server.async_read_some(in, [&](std::error_code, std::size_t n) { read = n; });
  net.run_for(1s);
  EXPECT_EQ(written, 6U);
  EXPECT_EQ(read, 6U);
  EXPECT_EQ(first[0], 'a');
  EXPECT_EQ(std::string_view(second.data(), 5), "bcdef");
}

TEST(TcpStream, empty_buffers_complete_at_once) {
  TwoStacks net;
  Ends ends(net);
  u32 completed = 0;
  const auto check = [&](std::error_code error, std::size_t size) {
    EXPECT_FALSE(error);
    EXPECT_EQ(size, 0U);
    ++completed;
  };
  ends.client.async_read_some(asio::mutable_buffer(), check);
  ends.client.async_write_some(asio::const_buffer(), check);
  net.run_until([] { return true; });
  EXPECT_EQ(completed, 2U);
}

TEST(TcpStream, reads_queue_up_in_order) {
  TwoStacks net;
  Ends ends(net);
  std::array<std::array<char, 2>, 3> buffers{};
  std::string order;
  for (auto& buffer : buffers)
    ends.server.async_read_some(asio::buffer(buffer), [&](std::error_code, std::size_t size) {
      order += std::string(buffer.data(), size) + ",";
    });
  ends.client.async_write_some(asio::buffer("abcdef", 6), [](std::error_code, std::size_t) {});
  net.run_for(1s);
  EXPECT_EQ(order, "ab,cd,ef,");
}

TEST(TcpStream, half_closed_still_receives) {
  TwoStacks net;
  Ends ends(net);
  net.spawn([](Ends& e) -> asio::awaitable<void> {
    e.client.shutdown(asio::socket_base::shutdown_send);
    std::array<char, 8> buffer;
    const auto [end, none] = co_await e.server.async_read_some(asio::buffer(buffer), as_result);
    EXPECT_EQ(end, asio::error::eof);
    co_await asio::async_write(e.server, asio::buffer("late", 4), use_awaitable);
    const std::size_t size = co_await e.client.async_read_some(asio::buffer(buffer), use_awaitable);
    EXPECT_EQ(std::string_view(buffer.data(), size), "late");
    const auto [broken, zero] = co_await e.client.async_write_some(asio::buffer("x", 1), as_result);
    EXPECT_EQ(broken, std::errc::broken_pipe);
  }(ends));
  net.run_coroutines(10s);
}

TEST(TcpStream, shut_down_receiving_reads_as_the_end) {
  TwoStacks net;
  Ends ends(net);
  std::array<char, 8> buffer;
  std::vector<std::error_code> errors;
  const auto note = [&](std::error_code error, std::size_t) { errors.push_back(error); };
  ends.client.async_read_some(asio::buffer(buffer), note);
  ends.client.shutdown(asio::socket_base::shutdown_receive);
  ends.client.async_read_some(asio::buffer(buffer), note);
  net.run_until([] { return true; });
  const std::vector<std::error_code> ends_twice(2, asio::error::eof);
  EXPECT_EQ(errors, ends_twice);
}

TEST(TcpStream, abort_resets_the_peer) {
  TwoStacks net;
  Ends ends(net);
  std::error_code read_error;
  std::array<char, 8> buffer;
  ends.server.async_read_some(asio::buffer(buffer),
                              [&](std::error_code error, std::size_t) { read_error = error; });
  ends.client.abort();
  net.run_for(1s);
  EXPECT_EQ(read_error, std::errc::connection_reset);
  std::error_code write_error;
  ends.server.async_write_some(asio::buffer("x", 1),
                               [&](std::error_code error, std::size_t) { write_error = error; });
  net.run_for(1s);
  EXPECT_EQ(write_error, std::errc::connection_reset);
}

TEST(TcpStream, closed_with_unread_data_resets_the_peer) {
  TwoStacks net;
  Ends ends(net);
  std::error_code read_error;
  std::array<char, 8> buffer;
  ends.client.async_write_some(asio::buffer("unread", 6), [](std::error_code, std::size_t) {});
  net.run_for(1s);
  ends.client.async_read_some(asio::buffer(buffer),
                              [&](std::error_code error, std::size_t) { read_error = error; });
  ends.server.close();
  net.run_for(1s);
  EXPECT_EQ(read_error, std::errc::connection_reset);
}

TEST(TcpStream, destroyed_after_writing_delivers_everything) {
  TwoStacks net;
  Ends ends(net);
  const std::string text = pattern(1 << 20);
  net.spawn([](TcpStream stream, const std::string& all) -> asio::awaitable<void> {
    co_await asio::async_write(stream, asio::buffer(all), use_awaitable);
  }(std::move(ends.client), text));
  net.spawn(receive_all(ends.server, text));
  net.run_coroutines();
}

TEST(TcpStream, reads_and_writes_without_a_copy) {
  TwoStacks net;
  Ends ends(net);
  net.spawn([](Ends& e) -> asio::awaitable<void> {
    const MutBytes room = e.client.send_space(5);
    EXPECT_EQ(room.size(), 5U);
    std::copy_n("12345", room.size(), room.begin());
    e.client.send(to<u32>(room.size()));
    co_await e.server.async_wait(asio::socket_base::wait_read, use_awaitable);
    EXPECT_EQ(as_text(e.server.received()), "12345");
    e.server.consume(2);
    EXPECT_EQ(as_text(e.server.received()), "345");
    e.server.consume(3);
    e.client.close();
    const auto [end] = co_await e.server.async_wait(asio::socket_base::wait_read, as_result);
    EXPECT_EQ(end, asio::error::eof);
  }(ends));
  net.run_coroutines(10s);
}

TEST(TcpStream, waits_for_room_to_write) {
  TwoStacks net;
  Ends ends(net);
  net.cut = true;
  while (!ends.client.send_space(1 << 20).empty())
    ends.client.send(to<u32>(ends.client.send_space(1 << 20).size()));
  bool writable = false;
  ends.client.async_wait(asio::socket_base::wait_write, [&](std::error_code error) {
    EXPECT_FALSE(error) << error.message();
    writable = true;
  });
  net.run_for(1ms);
  EXPECT_FALSE(writable);
  net.cut = false;
  EXPECT_TRUE(net.run_until([&] { return writable; }, 60s));
}

TEST(TcpStream, moved_while_an_operation_waits_goes_on) {
  TwoStacks net;
  Ends ends(net);
  std::array<char, 8> buffer;
  std::size_t size = 0;
  ends.server.async_read_some(asio::buffer(buffer),
                              [&](std::error_code, std::size_t n) { size = n; });
  const TcpStream moved = std::move(ends.server);
  ends.client.async_write_some(asio::buffer("abc", 3), [](std::error_code, std::size_t) {});
  net.run_for(1s);
  EXPECT_EQ(size, 3U);
}

TEST(TcpStream, keepalive_and_no_delay_can_be_set) {
  tcp::Config config;
  config.keepalive_idle = 10s;
  config.keepalive_interval = 1s;
  config.keepalive_probes_max = 3;
  TwoStacks net(config);
  Ends ends(net);
  ends.client.set_no_delay(true);
  ends.client.set_keepalive(true);
  std::error_code error;
  std::array<char, 8> buffer;
  ends.client.async_read_some(asio::buffer(buffer),
                              [&](std::error_code e, std::size_t) { error = e; });
  net.run_for(60s);
  EXPECT_FALSE(error) << "a peer that answers keeps the connection";
  net.cut = true;
  net.run_for(60s);
  EXPECT_EQ(error, std::errc::timed_out);
}

}  // namespace
}  // namespace handfast::io
