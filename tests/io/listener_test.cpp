#include <array>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <asio/experimental/as_tuple.hpp>
#include <gtest/gtest.h>

#include "io/error.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {
namespace {

TEST(TcpListener, accepts_a_connection_that_came_before_the_call) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  TcpStream client(*net.client);
  client.async_connect(server_at, [](std::error_code error) { EXPECT_FALSE(error); });
  net.run_for(1s);
  bool accepted = false;
  listener.async_accept([&](std::error_code error, const TcpStream& stream) {
    EXPECT_FALSE(error) << error.message();
    EXPECT_EQ(stream.remote_endpoint(), client.local_endpoint());
    EXPECT_EQ(stream.local_endpoint(), server_at);
    accepted = true;
  });
  EXPECT_FALSE(accepted) << "a handler ran inside the call";
  net.run_until([] { return true; });
  EXPECT_TRUE(accepted);
}

TEST(TcpListener, serves_those_who_wait_in_order) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  std::vector<u16> accepted;
  for (int i = 0; i < 3; ++i)
    listener.async_accept([&](std::error_code error, const TcpStream& stream) {
      EXPECT_FALSE(error);
      accepted.push_back(stream.remote_endpoint().port);
    });
  for (const u16 port : std::to_array<u16>({4001, 4002, 4003})) {
    net.spawn([](TwoStacks& n, u16 from) -> asio::awaitable<void> {
      TcpStream stream(*n.client);
      co_await stream.async_connect(server_at, {.address = {}, .port = from}, asio::use_awaitable);
    }(net, port));
  }
  net.run_coroutines(10s);
  net.run_for(1s);
  EXPECT_EQ(accepted, (std::vector<u16>{4001, 4002, 4003}));
}

TEST(TcpListener, picks_a_port_where_none_is_named) {
  TwoStacks net;
  TcpListener listener(*net.server, {server_address, 0});
  EXPECT_NE(listener.local_endpoint().port, 0);
  TcpStream client(*net.client);
  std::optional<std::error_code> outcome;
  client.async_connect(listener.local_endpoint(), [&](std::error_code e) { outcome = e; });
  net.run_for(1s);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(*outcome) << outcome->message();
}

TEST(TcpListener, says_that_its_port_is_taken) {
  TwoStacks net;
  const TcpListener first(*net.server, server_at);
  TcpListener second(*net.server);
  EXPECT_EQ(second.listen(server_at), std::errc::address_in_use);
  try {
    const TcpListener third(*net.server, server_at);
    FAIL() << "the port was taken";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), tcp::Errc::in_use);
    EXPECT_NE(std::string(error.what()).find("192.0.2.2:7"), std::string::npos) << error.what();
  }
}

TEST(TcpListener, closed_refuses_who_comes_and_keeps_who_came) {
  TwoStacks net;
  TcpListener listener(*net.server, server_at);
  TcpStream client(*net.client);
  TcpStream server(*net.server);
  client.async_connect(server_at, [](std::error_code error) { EXPECT_FALSE(error); });
  listener.async_accept([&](std::error_code, TcpStream s) { server = std::move(s); });
  net.run_for(1s);
  listener.close();
  EXPECT_FALSE(listener.is_open());
  TcpStream late(*net.client);
  std::error_code refused;
  late.async_connect(server_at, [&](std::error_code error) { refused = error; });
  net.run_for(1s);
  EXPECT_EQ(refused, std::errc::connection_refused);
  ASSERT_NE(server.connection(), nullptr);
  EXPECT_EQ(server.connection()->state(), tcp::State::established);
}

TEST(TcpListener, accept_without_listening_fails) {
  TwoStacks net;
  TcpListener listener(*net.server);
  std::error_code failed;
  listener.async_accept([&](std::error_code error, const TcpStream&) { failed = error; });
  net.run_until([] { return true; });
  EXPECT_EQ(failed, std::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace handfast::io
