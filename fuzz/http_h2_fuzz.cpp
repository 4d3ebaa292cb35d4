// Any bytes to both roles of an HTTP/2 connection, answered as they come: it must hold its limits,
// end in output that stops, and a request that a server takes must come out the same when a client
// sends it on.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "http/h2/connection.hpp"

namespace {

using namespace handfast;
using namespace handfast::http;
using namespace handfast::http::h2;

std::string output(h2::Connection& connection) {
  std::string all;
  std::vector<u8> room(h2::Connection::output_room_min);
  while (const u32 n = connection.poll_output(room)) all += as_text(Bytes(room).first(n));
  return all;
}

void send_on(const Request& request) {
  h2::Connection client(Role::client);
  if (!client.request(request, false, true)) return;
  h2::Connection server(Role::server);
  server.on_input(as_bytes(output(client)), {});
  const auto event = server.poll_event();
  ASSERT(event && std::holds_alternative<RequestHead>(*event));
  const Request& again = std::get<RequestHead>(*event).request;
  ASSERT(again.method == request.method && again.target == request.target);
  ASSERT(std::ranges::equal(again.fields, request.fields, [](const Field& a, const Field& b) {
    return a.name == b.name && a.value == b.value;
  }));
}

/// Some bytes of an answer, as far as there is space.
void send_content(h2::Connection& connection, StreamId stream) {
  const MutBytes room = connection.send_space(stream, 100);
  std::ranges::fill(room, u8{'x'});
  if (!room.empty()) connection.send(stream, to<u32>(room.size()));
}

void answer(h2::Connection& connection, const h2::Event& event) {
  if (const auto* head = std::get_if<RequestHead>(&event)) {
    ASSERT(count(head->request.fields, "host") == 1);
    ASSERT(!find(head->request.fields, "connection"));
    send_on(head->request);
    connection.respond(head->stream, {200}, false);
    send_content(connection, head->stream);
  } else if (const auto* refused = std::get_if<RequestRefused>(&event)) {
    ASSERT(refused->error.status >= 414);
    connection.respond(refused->stream, {refused->error.status}, true);
    connection.release(refused->stream);
  } else if (const auto* content = std::get_if<Content>(&event)) {
    connection.consume(content->stream, to<u32>(content->bytes.size()));
    send_content(connection, content->stream);
  } else if (const auto* end = std::get_if<End>(&event)) {
    static_cast<void>(connection.finish(end->stream, end->trailers));
    connection.release(end->stream);
  } else if (const auto* reset = std::get_if<Reset>(&event)) {
    connection.release(reset->stream);
  } else if (const auto* writable = std::get_if<Writable>(&event)) {
    send_content(connection, writable->stream);
  }
}

void drive(h2::Connection& connection, Bytes bytes, const h2::Config& config) {
  connection.on_input(bytes, {});
  do {
    while (const auto event = connection.poll_event()) answer(connection, *event);
    ASSERT(connection.streams_open() <= config.streams_max);
  } while (!output(connection).empty());
  ASSERT(!connection.is_over() || !connection.wants_output());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  h2::Config config;
  config.streams_max = 4;
  config.stream_window_max = 100;
  const bool is_server = (data[0] & 1) != 0;
  h2::Connection connection(is_server ? Role::server : Role::client, config);
  if (is_server) drive(connection, as_bytes(client_preface), config);
  const std::array fields{Field{"Host", "a"}};
  if (!is_server)
    for (const bool ends : {true, false})
      ASSERT(connection.request({"POST", "/", 1, fields}, false, ends));
  const Bytes bytes = Bytes(data, size).subspan(1);
  const std::size_t cut = data[0] * bytes.size() / 255;
  drive(connection, bytes.first(cut), config);
  drive(connection, bytes.subspan(cut), config);
  connection.on_end_of_input();
  while (const auto event = connection.poll_event()) answer(connection, *event);
  return 0;
}
