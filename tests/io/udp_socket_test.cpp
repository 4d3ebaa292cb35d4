#include "io/udp_socket.hpp"

#include <array>
#include <optional>
#include <string>
#include <system_error>

#include <asio/buffer.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <gtest/gtest.h>

#include "io/error.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {
namespace {

using asio::use_awaitable;

TEST(UdpSocket, datagrams_go_there_and_back) {
  TwoStacks net;
  UdpSocket server(*net.server, server_at);
  UdpSocket client(*net.client, {client_address, 0});
  net.spawn([](UdpSocket& socket) -> asio::awaitable<void> {
    std::array<char, 100> buffer;
    wire::Endpoint from;
    const std::size_t size =
        co_await socket.async_receive_from(asio::buffer(buffer), from, use_awaitable);
    co_await socket.async_send_to(asio::buffer(buffer, size), from, use_awaitable);
  }(server));
  net.spawn([](UdpSocket& socket) -> asio::awaitable<void> {
    const std::array<asio::const_buffer, 2> pieces{asio::buffer("pi", 2), asio::buffer("ng", 2)};
    EXPECT_EQ(co_await socket.async_send_to(pieces, server_at, use_awaitable), 4U);
    std::array<char, 100> buffer;
    wire::Endpoint from;
    const std::size_t size =
        co_await socket.async_receive_from(asio::buffer(buffer), from, use_awaitable);
    EXPECT_EQ(std::string_view(buffer.data(), size), "ping");
    EXPECT_EQ(from, server_at);
  }(client));
  net.run_coroutines(10s);
}

TEST(UdpSocket, datagrams_wait_for_their_receiver_and_are_cut_to_fit) {
  TwoStacks net;
  UdpSocket server(*net.server, server_at);
  UdpSocket client(*net.client, {client_address, 0});
  for (const char* text : {"one", "two"})
    client.async_send_to(asio::buffer(text, 3), server_at, [](std::error_code, std::size_t) {});
  net.run_for(1s);
  std::array<char, 2> buffer{};
  wire::Endpoint from;
  std::string received;
  const auto note = [&](std::error_code error, std::size_t size) {
    EXPECT_FALSE(error);
    received += std::string(buffer.data(), size) + ",";
  };
  server.async_receive_from(asio::buffer(buffer), from, note);
  net.run_until([] { return true; });
  server.async_receive_from(asio::buffer(buffer), from, note);
  net.run_until([] { return true; });
  EXPECT_EQ(received, "on,tw,");
  EXPECT_EQ(from, client.local_endpoint());
}

TEST(UdpSocket, empty_datagrams_arrive_too) {
  TwoStacks net;
  UdpSocket server(*net.server, server_at);
  UdpSocket client(*net.client, {client_address, 0});
  std::array<char, 8> buffer{};
  wire::Endpoint from;
  std::optional<std::size_t> size;
  server.async_receive_from(asio::buffer(buffer), from,
                            [&](std::error_code, std::size_t n) { size = n; });
  client.async_send_to(asio::const_buffer(), server_at, [](std::error_code, std::size_t) {});
  net.run_for(1s);
  EXPECT_EQ(size, 0U);
}

TEST(UdpSocket, reports_an_unreachable_port_where_it_is_asked_to) {
  for (const bool report : {false, true}) {
    TwoStacks net;
    UdpSocket client(*net.client, {client_address, 0});
    client.report_errors(report);
    std::array<char, 8> buffer{};
    wire::Endpoint from;
    std::error_code error;
    client.async_receive_from(asio::buffer(buffer), from,
                              [&](std::error_code e, std::size_t) { error = e; });
    client.async_send_to(asio::buffer("x", 1), server_at, [](std::error_code, std::size_t) {});
    net.run_for(1s);
    EXPECT_EQ(error, report ? make_error_condition(std::errc::connection_refused)
                            : std::error_condition());
    EXPECT_EQ(from, report ? server_at : wire::Endpoint{});
  }
}

TEST(UdpSocket, joins_a_group) {
  TwoStacks net;
  const wire::Endpoint group{wire::IpAddress::v4(224, 0, 0, 251), 5353};
  UdpSocket server(*net.server, {wire::any_v4, 5353});
  UdpSocket client(*net.client, {client_address, 0});
  std::array<char, 8> buffer{};
  wire::Endpoint from;
  std::size_t received = 0;
  server.async_receive_from(asio::buffer(buffer), from,
                            [&](std::error_code, std::size_t size) { received += size; });
  const auto send = [&] {
    client.async_send_to(asio::buffer("abc", 3), group,
                         [](std::error_code error, std::size_t) { EXPECT_FALSE(error); });
    net.run_for(1s);
  };
  send();
  EXPECT_EQ(received, 0U);
  EXPECT_FALSE(server.join(group.address));
  send();
  EXPECT_EQ(received, 3U);
}

TEST(UdpSocket, says_that_its_port_is_taken) {
  TwoStacks net;
  const UdpSocket first(*net.server, server_at);
  UdpSocket second(*net.server);
  EXPECT_EQ(second.open(server_at), std::errc::address_in_use);
  EXPECT_THROW(UdpSocket(*net.server, server_at), std::system_error);
}

}  // namespace
}  // namespace handfast::io
