// Feeds text to a connection and tells its events as text, so that a test reads like a dialogue.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/connection.hpp"

namespace handfast::http {

inline std::string describe(const Result<Event, Error>& event) {
  if (!event) return fmt::format("error {}: {}", event.error().status, event.error().why);
  if (const auto* request = std::get_if<Request>(&*event))
    return fmt::format("{} {}", request->method, request->target);
  if (const auto* response = std::get_if<Response>(&*event))
    return fmt::format("{} {}", response->status, response->reason);
  if (const auto* data = std::get_if<Data>(&*event))
    return fmt::format("\"{}\"", as_text(data->bytes));
  if (const auto* end = std::get_if<EndOfMessage>(&*event))
    return end->trailers.empty() ? "end" : fmt::format("end with {}", end->trailers[0].name);
  if (std::holds_alternative<ConnectionClosed>(*event)) return "closed";
  if (std::holds_alternative<Paused>(*event)) return "paused";
  if (std::holds_alternative<Switched>(*event)) return "switched";
  return "need more";
}

/// The events up to and with the first one that ends the reading.
inline std::vector<std::string> events(Connection& connection, Bytes& in) {
  std::vector<std::string> all;
  for (;;) {
    const auto event = connection.next(in);
    all.push_back(describe(event));
    if (!event || std::holds_alternative<NeedMore>(*event) ||
        std::holds_alternative<Paused>(*event) ||
        std::holds_alternative<ConnectionClosed>(*event) ||
        std::holds_alternative<Switched>(*event))
      return all;
  }
}
inline std::vector<std::string> events(Connection& connection, std::string_view text) {
  Bytes in = as_bytes(text);
  return events(connection, in);
}

/// The bytes that `event` becomes, or "error: why".
inline std::string sent(Connection& connection, const Event& event) {
  std::array<u8, 4096> room;
  const auto n = connection.send(event, room);
  if (!n) return fmt::format("error: {}", n.error().why);
  return std::string(as_text(Bytes(room).first(*n)));
}

inline std::string answer(Connection& server, u16 status, Fields fields, std::string_view body) {
  std::string out = sent(server, Response{status, {}, 1, fields});
  if (!body.empty()) out += sent(server, Data{as_bytes(body)});
  return out + sent(server, EndOfMessage{});
}

using Lines = std::vector<std::string>;

}  // namespace handfast::http
