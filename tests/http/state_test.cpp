#include "http/state.hpp"

#include <string>

#include "http/talk.hpp"

namespace handfast::http {
namespace {

constexpr std::array host{Field{"Host", "a"}};
constexpr std::array length_2{Field{"Content-Length", "2"}};
constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

std::string row(u32 index) {
  const auto arrow = [](std::string_view who, const Edge& edge) {
    return fmt::format("{}: {} -> {} ({})", who, to_string(edge.from), to_string(edge.to),
                       edge.label);
  };
  if (index < client_edges.size()) return arrow("client", client_edges[index]);
  index -= to<u32>(client_edges.size());
  if (index < server_edges.size()) return arrow("server", server_edges[index]);
  const JointEdge& edge = joint_edges[index - server_edges.size()];
  return fmt::format("joint: {} -> {} ({})", edge.moves == Role::client ? "client" : "server",
                     to_string(edge.to), edge.label);
}

/// Dialogues on real connections, each returning the arrows that it took.
u64 keep_alive_and_close() {
  Connection server(Role::server);
  Bytes in = as_bytes(get);
  events(server, in);
  sent(server, Response{103});
  answer(server, 200, length_2, "ok");
  server.end_of_input();
  events(server, in);
  sent(server, ConnectionClosed{});
  return server.machine().edges_taken();
}
u64 last_message_and_close() {
  Connection server(Role::server);
  Bytes in =
      as_bytes("PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
  events(server, in);
  answer(server, 200, length_2, "ok");
  server.end_of_input();
  events(server, in);
  sent(server, ConnectionClosed{});
  return server.machine().edges_taken();
}
u64 broken_request() {
  Connection server(Role::server);
  events(server, "GET\r\n\r\n");
  answer(server, 400, length_2, "no");
  return server.machine().edges_taken();
}
u64 cut_off_request() {
  Connection server(Role::server);
  server.end_of_input();
  events(server, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx");
  return server.machine().edges_taken();
}
u64 server_stops_reading_a_body() {
  Connection server(Role::server);
  Bytes in = as_bytes("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  events(server, in);
  answer(server, 200, length_2, "ok");
  sent(server, ConnectionClosed{});
  events(server, "x");
  return server.machine().edges_taken();
}
u64 server_closes_first() {
  Connection server(Role::server);
  sent(server, ConnectionClosed{});
  return server.machine().edges_taken();
}
u64 client_closes_its_half_early() {
  Connection client(Role::client);
  sent(client, Request{"GET", "/", 1, host});
  sent(client, EndOfMessage{});
  sent(client, ConnectionClosed{});
  events(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  return client.machine().edges_taken();
}
u64 client_hears(std::string_view text, bool asks) {
  Connection client(Role::client);
  if (asks) sent(client, Request{"GET", "/", 1, host});
  events(client, text);
  return client.machine().edges_taken();
}

u64 both_agree_to_leave_http(std::string_view connection) {
  Connection server(Role::server);
  const std::string request =
      fmt::format("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: {}\r\n\r\nhello", connection);
  Bytes in = as_bytes(request);
  events(server, in);
  sent(server, Response{200});
  return server.machine().edges_taken();
}

TEST(HttpStates, every_arrow_of_the_tables_is_taken_by_a_real_dialogue) {
  const u64 taken =
      keep_alive_and_close() | last_message_and_close() | broken_request() | cut_off_request() |
      server_stops_reading_a_body() | server_closes_first() | client_closes_its_half_early() |
      client_hears("surprise", false) | client_hears("HTTP/3 200\r\n\r\n", true) |
      client_hears("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", true) |
      both_agree_to_leave_http("keep-alive") | both_agree_to_leave_http("close");
  for (u32 i = 0; i < edge_count; ++i) EXPECT_TRUE(taken & (u64{1} << i)) << row(i);
}

TEST(HttpStates, no_two_arrows_leave_a_state_for_the_same_reason) {
  const auto check = [](std::span<const Edge> edges) {
    for (std::size_t i = 0; i < edges.size(); ++i)
      for (std::size_t j = i + 1; j < edges.size(); ++j)
        EXPECT_FALSE(edges[i].from == edges[j].from && edges[i].on == edges[j].on) << i << " " << j;
  };
  check(client_edges);
  check(server_edges);
}

TEST(HttpStates, a_machine_refuses_what_its_table_does_not_have) {
  Machine machine;
  EXPECT_FALSE(machine.may(Role::client, Happening::data));
  EXPECT_FALSE(machine.may(Role::server, Happening::data));
  EXPECT_FALSE(machine.may(Role::client, Happening::response));
  machine.take(Role::client, Happening::request);
  EXPECT_FALSE(machine.may(Role::client, Happening::request));
  EXPECT_TRUE(machine.may(Role::server, Happening::response));
}

}  // namespace
}  // namespace handfast::http
