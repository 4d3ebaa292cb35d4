// Any bytes, cut anywhere, to both roles of an HTTP/1.1 connection: it must end in a value or a
// refusal, never take more than it was given, and read the same however the bytes are cut. What a
// server accepts as a request must come out the same when a client sends it on.
#include <array>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "http/connection.hpp"
#include "http/target.hpp"

namespace {

using namespace handfast;
using namespace handfast::http;

struct Transcript {
  std::string heads;
  std::string content;
  std::string end;
};

void answer(Connection& server) {
  std::array<u8, 512> room;
  const std::array fields{Field{"Content-Length", "0"}};
  ASSERT(server.send(Response{200, {}, 1, fields}, room));
  ASSERT(server.send(EndOfMessage{}, room));
}

/// Sends what was received. A client refuses CONNECT and a request without Host (HTTP/1.0).
void send_on(const Request& request) {
  if (request.method == "CONNECT" || count(request.fields, "host") != 1) return;
  std::vector<u8> room(64 << 10);
  Connection client(Role::client);
  const auto sent = client.send(request, room);
  ASSERT(sent);
  Connection server(Role::server);
  Bytes in = Bytes(room).first(*sent);
  const auto event = server.next(in);
  ASSERT(event && in.empty());
  const auto& again = std::get<Request>(*event);
  ASSERT(again.method == request.method && again.target == request.target);
  ASSERT(again.fields.size() == request.fields.size());
}

/// Takes one event into the transcript; false where reading is over or waits for more.
bool step(Connection& connection, Role role, Bytes& in, Transcript& seen) {
  const std::size_t before = in.size();
  const auto event = connection.next(in);
  ASSERT(in.size() <= before);
  if (!event) {
    seen.end = std::string(event.error().why) + " at " + std::to_string(event.error().offset);
    return false;
  }
  if (const auto* request = std::get_if<Request>(&*event)) {
    seen.heads += std::string(request->method) + " " + std::string(request->target) + "\n";
    if (const auto path = decode_path(request->target)) {
      ASSERT(path->starts_with('/') && path->find("/../") == path->npos);
      ASSERT(path->find('\0') == path->npos && !path->ends_with("/.."));
    }
    send_on(*request);
  } else if (const auto* response = std::get_if<Response>(&*event)) {
    seen.heads += std::to_string(response->status) + "\n";
  } else if (const auto* data = std::get_if<Data>(&*event)) {
    ASSERT(!data->bytes.empty());
    seen.content += as_text(data->bytes);
  } else if (std::holds_alternative<Paused>(*event)) {
    ASSERT(role == Role::server);
    answer(connection);
  } else if (std::holds_alternative<NeedMore>(*event)) {
    return false;
  } else if (std::holds_alternative<ConnectionClosed>(*event)) {
    seen.end = "closed";
    return false;
  }
  return true;
}

Transcript read(Role role, Bytes bytes, std::size_t cut) {
  Connection connection(role);
  if (role == Role::client) {
    std::array<u8, 256> room;
    const std::array fields{Field{"Host", "a"}};
    ASSERT(connection.send(Request{"GET", "/", 1, fields}, room));
    ASSERT(connection.send(EndOfMessage{}, room));
  }
  Transcript seen;
  std::vector<u8> pending;
  for (const Bytes piece : {bytes.first(cut), bytes.subspan(cut)}) {
    pending.insert(pending.end(), piece.begin(), piece.end());
    if (piece.data() + piece.size() == bytes.data() + bytes.size() && cut != bytes.size())
      connection.end_of_input();
    Bytes in = pending;
    while (seen.end.empty() && step(connection, role, in, seen)) {
    }
    pending.erase(pending.begin(), pending.end() - static_cast<std::ptrdiff_t>(in.size()));
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Role role = (data[0] & 1) != 0 ? Role::server : Role::client;
  const Bytes bytes = Bytes(data, size).subspan(1);
  const Transcript whole = read(role, bytes, 0);
  const Transcript halves = read(role, bytes, data[0] * (bytes.size() - 1) / 255);
  ASSERT(whole.heads == halves.heads);
  ASSERT(whole.content == halves.content);
  ASSERT(whole.end == halves.end);
  return 0;
}
