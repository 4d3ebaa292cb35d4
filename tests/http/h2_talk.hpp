// Frames as bytes and events as text, so that a test of HTTP/2 reads like a dialogue.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/h2/connection.hpp"

namespace handfast::http::h2 {

using Lines = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

enum FrameType : u8 {
  frame_data,
  frame_headers,
  frame_priority,
  frame_rst_stream,
  frame_settings,
  frame_push_promise,
  frame_ping,
  frame_goaway,
  frame_window_update,
  frame_continuation
};
constexpr u8 end_stream = 1;
constexpr u8 end_headers = 4;

inline std::string number(u32 value, u32 bytes = 4) {
  std::string text;
  for (u32 i = bytes; i-- > 0;) text += to<char>(value >> (8 * i));
  return text;
}

/// RFC 9113 §4.1.
inline std::string frame(FrameType type, u8 flags, StreamId stream, std::string_view payload) {
  return number(to<u32>(payload.size()), 3) + to<char>(type) + to<char>(flags) + number(stream) +
         std::string(payload);
}

/// RFC 7541 §6.2.2: literals that leave no trace in the table. Lengths up to 126 + 127.
inline std::string hpack(const Pairs& fields) {
  const auto text = [](const std::string& it) {
    const auto size = it.size();
    const std::string length =
        size < 127 ? std::string(1, to<char>(size)) : std::string{"\x7f"} + to<char>(size - 127);
    return length + it;
  };
  std::string block;
  for (const auto& [name, value] : fields) block += '\0' + text(name) + text(value);
  return block;
}

inline Pairs get_fields(const std::string& path = "/") {
  return {{":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "a"}};
}

inline std::string get(StreamId stream, u8 flags = end_stream | end_headers) {
  return frame(frame_headers, flags, stream, hpack(get_fields()));
}

inline std::string describe(const Event& event) {
  struct Teller {
    std::string operator()(const RequestHead& it) const {
      std::string text = fmt::format("{}: {} {}", it.stream, it.request.method, it.request.target);
      return text + (it.has_content ? " ..." : "");
    }
    std::string operator()(const RequestRefused& it) const {
      return fmt::format("{}: refused {}: {}", it.stream, it.error.status, it.error.why);
    }
    std::string operator()(const ResponseHead& it) const {
      return fmt::format("{}: {}", it.stream, it.response.status);
    }
    std::string operator()(const Content& it) const {
      return fmt::format("{}: \"{}\"", it.stream, as_text(it.bytes));
    }
    std::string operator()(const End& it) const {
      std::string text = fmt::format("{}: end", it.stream);
      for (const Field& field : it.trailers) text += " " + std::string(field.name);
      return text;
    }
    std::string operator()(const Reset& it) const {
      return fmt::format("{}: {}", it.stream, to_string(it.code));
    }
    std::string operator()(const Writable& it) const { return fmt::format("{}: room", it.stream); }
    std::string operator()(const GoingAway& it) const {
      return fmt::format("going away after {}: {}", it.last, to_string(it.code));
    }
  };
  return std::visit(Teller{}, event);
}

/// All that `connection` has to send.
inline std::string output(Connection& connection) {
  std::string all;
  std::vector<u8> room(Connection::output_room_min);
  while (const u32 n = connection.poll_output(room)) all += as_text(Bytes(room).first(n));
  return all;
}

inline Lines events(Connection& connection) {
  Lines lines;
  while (const auto event = connection.poll_event()) {
    lines.push_back(describe(*event));
    if (const auto* content = std::get_if<Content>(&*event))
      connection.consume(content->stream, to<u32>(content->bytes.size()));
  }
  return lines;
}

struct SeenFrame {
  FrameType type;
  u8 flags;
  StreamId stream;
  std::string payload;
};

inline u32 number_at(std::string_view text, std::size_t at, u32 bytes = 4) {
  u32 value = 0;
  for (u32 i = 0; i < bytes; ++i) value = value << 8 | to<u8>(text[at + i]);
  return value;
}

inline std::vector<SeenFrame> frames(std::string_view bytes) {
  std::vector<SeenFrame> all;
  while (bytes.size() >= 9) {
    const u32 size = number_at(bytes, 0, 3);
    all.push_back({FrameType{to<u8>(bytes[3])}, to<u8>(bytes[4]), number_at(bytes, 5),
                   std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  EXPECT_TRUE(bytes.empty());
  return all;
}

/// What a peer is told of the end: "5: PROTOCOL_ERROR" for a reset, "PROTOCOL_ERROR why" for all.
inline Lines endings(std::string_view bytes) {
  Lines lines;
  for (const SeenFrame& it : frames(bytes)) {
    if (it.type == frame_rst_stream)
      lines.push_back(fmt::format("{}: {}", it.stream, to_string(Code{number_at(it.payload, 0)})));
    if (it.type == frame_goaway)
      lines.push_back(
          fmt::format("{} {}", to_string(Code{number_at(it.payload, 4)}), it.payload.substr(8)));
  }
  return lines;
}

/// A server to whom a test speaks in frames.
struct Server {
  explicit Server(const Config& config = {}) : connection(Role::server, config) {
    say(std::string(client_preface) + frame(frame_settings, 0, 0, ""));
  }
  /// Hands `bytes` in; what that made the server tell is in `lines`, and what it sent in `sent`.
  void say(std::string_view bytes, Duration later = {}) {
    now += later;
    connection.on_input(as_bytes(bytes), now);
    lines = events(connection);
    sent = output(connection);
  }
  Connection connection;
  Instant now{};
  Lines lines;
  std::string sent;
};

/// Both roles of ours, talking to each other.
struct Pair {
  explicit Pair(const Config& client_config = {}, const Config& server_config = {})
      : client(Role::client, client_config), server(Role::server, server_config) {
    run();
  }
  void run() {
    for (bool is_quiet = false; !is_quiet;) {
      const std::string there = output(client);
      server.on_input(as_bytes(there), {});
      for (auto& line : events(server)) at_server.push_back(std::move(line));
      const std::string back = output(server);
      client.on_input(as_bytes(back), {});
      for (auto& line : events(client)) at_client.push_back(std::move(line));
      is_quiet = there.empty() && back.empty();
    }
  }
  StreamId ask(std::string_view method = "GET", bool ends = true, std::vector<Field> fields = {}) {
    fields.push_back({"Host", "a"});
    const auto id = client.request({method, "/", 1, fields}, false, ends);
    EXPECT_TRUE(id);
    return *id;
  }
  Connection client;
  Connection server;
  Lines at_client;
  Lines at_server;
};

/// Sends as much of `text` as there is space for; returns how much.
inline std::size_t send_some(Connection& connection, StreamId stream, std::string_view text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const MutBytes room = connection.send_space(stream, to<u32>(text.size() - sent));
    if (room.empty()) break;
    std::ranges::copy(as_bytes(text.substr(sent, room.size())), room.begin());
    connection.send(stream, to<u32>(room.size()));
    sent += room.size();
  }
  return sent;
}

}  // namespace handfast::http::h2
