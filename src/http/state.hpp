// Where each end of an HTTP/1.1 connection stands (RFC 9112 §9: messages, persistence, closing).
// Both ends have a machine of their own, driven by what that end sends, and both peers follow
// both machines. These tables are the diagram: nothing else writes a state.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/types.hpp"

namespace handfast::http {

enum class Role : u8 { client, server };
constexpr Role other(Role role) { return role == Role::client ? Role::server : Role::client; }

enum class State : u8 { idle, send_response, send_body, done, must_close, closed, error, switched };
inline constexpr u32 state_count = 8;

constexpr std::string_view to_string(State state) {
  constexpr std::array<std::string_view, state_count> names{
      "IDLE", "SEND_RESPONSE", "SEND_BODY", "DONE", "MUST_CLOSE", "CLOSED", "ERROR", "SWITCHED"};
  return names[to<u8>(state)];
}

/// What moves a machine: something its end sent (or, for the server, the client's request).
enum class Happening : u8 {
  request,
  informational,  // a 1xx response
  response,
  data,
  end_of_message,
  connection_closed,
  failure,   // it sent what the protocol forbids
  switched,  // HTTP ends here by agreement: 101 to an Upgrade, 2xx to a CONNECT (RFC 9110 §7.8)
};

struct Edge {
  State from;
  State to;
  Happening on;
  std::string_view label;
};

inline constexpr std::array client_edges{
    Edge{State::idle, State::send_body, Happening::request, "request"},
    Edge{State::idle, State::closed, Happening::connection_closed, "close"},
    Edge{State::idle, State::error, Happening::failure, "broken request"},
    Edge{State::send_body, State::send_body, Happening::data, "data"},
    Edge{State::send_body, State::done, Happening::end_of_message, "end of message"},
    Edge{State::send_body, State::error, Happening::failure, "broken or cut-off body"},
    Edge{State::done, State::closed, Happening::connection_closed, "close"},
    Edge{State::must_close, State::closed, Happening::connection_closed, "close"},
};

inline constexpr std::array server_edges{
    Edge{State::idle, State::send_response, Happening::request, "request came"},
    Edge{State::idle, State::send_body, Happening::response, "response to a broken request"},
    Edge{State::idle, State::closed, Happening::connection_closed, "close"},
    Edge{State::idle, State::error, Happening::failure, "bytes without a request"},
    Edge{State::send_response, State::send_response, Happening::informational, "1xx response"},
    Edge{State::send_response, State::send_body, Happening::response, "response"},
    Edge{State::send_response, State::error, Happening::failure, "broken or missing response"},
    Edge{State::send_response, State::switched, Happening::switched, "101, or 2xx to CONNECT"},
    Edge{State::send_body, State::send_body, Happening::data, "data"},
    Edge{State::send_body, State::done, Happening::end_of_message, "end of message"},
    Edge{State::send_body, State::error, Happening::failure, "broken or cut-off body"},
    Edge{State::done, State::closed, Happening::connection_closed, "close"},
    Edge{State::must_close, State::closed, Happening::connection_closed, "close"},
};

/// Where the two machines meet: with the client in `client` and the server in `server` (none: in
/// any state), `moves` goes to `to` at once. `keep_alive` (none: either way) is whether the
/// connection may outlive this message.
struct JointEdge {
  std::optional<State> client;
  std::optional<State> server;
  std::optional<bool> keep_alive;
  Role moves;
  State to;
  std::string_view label;
};

inline constexpr std::array joint_edges{
    JointEdge{State::done, std::nullopt, false, Role::client, State::must_close, "no keep-alive"},
    JointEdge{std::nullopt, State::done, false, Role::server, State::must_close, "no keep-alive"},
    JointEdge{State::closed, State::done, true, Role::server, State::must_close, "client closed"},
    JointEdge{State::closed, State::idle, {}, Role::server, State::must_close, "client closed"},
    JointEdge{State::idle, State::closed, {}, Role::client, State::must_close, "server closed"},
    JointEdge{State::done, State::closed, true, Role::client, State::must_close, "server closed"},
    JointEdge{State::done, State::switched, {}, Role::client, State::switched, "switched"},
    JointEdge{State::must_close, State::switched, {}, Role::client, State::switched, "switched"},
    // Both machines go on to the next message in one step; the second row is the other half.
    JointEdge{State::done, State::done, true, Role::client, State::idle, "next message"},
    JointEdge{State::idle, State::done, true, Role::server, State::idle, "next message"},
};

/// Both machines of one connection.
class Machine {
 public:
  State state(Role role) const { return role == Role::client ? client_ : server_; }
  bool keep_alive() const { return keep_alive_; }

  /// Whether `who` may do this where it stands.
  bool may(Role who, Happening what) const;
  /// `who` did it. ASSERTs that it may.
  void take(Role who, Happening what);
  /// This message is the connection's last.
  void end_keep_alive();

  /// The arrows taken so far, one bit a row: client_edges, then server_edges, then joint_edges.
  u64 edges_taken() const { return taken_; }

 private:
  void step(Role who, Happening what);
  void meet();

  State client_ = State::idle;
  State server_ = State::idle;
  bool keep_alive_ = true;
  u64 taken_ = 0;
};

inline constexpr u32 edge_count =
    to<u32>(client_edges.size() + server_edges.size() + joint_edges.size());
static_assert(edge_count <= 64);

}  // namespace handfast::http
