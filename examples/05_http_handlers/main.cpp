// An HTTP server of one's own: handlers as coroutines, a router, content streamed both ways. Here
// over the kernel's loopback; over Handfast's own TCP only the listener is another.
//
//   05_http_handlers PORT      then: curl http://127.0.0.1:PORT/hello/you
//                                    curl -T FILE http://127.0.0.1:PORT/count
//
// Without a port it asks itself, and prints what it hears.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/write.hpp>

#include <handfast/io/http_router.hpp>
#include <handfast/io/http_server.hpp>
#include <handfast/io/kernel_stream.hpp>

namespace {

using namespace handfast;

asio::awaitable<void> hello(io::HttpExchange& exchange) {
  const std::string text = "Hello, " + std::string(exchange.request().parameter("name")) + "!\n";
  io::HttpResponse response;
  response.fields.add("Content-Type", "text/plain; charset=utf-8");
  co_await exchange.respond(response, text);
}

/// Content is read piece by piece: a terabyte needs no more memory than a line.
asio::awaitable<void> count(io::HttpExchange& exchange) {
  u64 bytes = 0;
  io::HttpPiece piece;
  do {
    piece = co_await exchange.read();
    bytes += piece.bytes.size();
  } while (!piece.error && !piece.bytes.empty());
  if (piece.error) co_return;  // the client hears what was wrong
  const std::string text = std::to_string(bytes) + " bytes\n";
  const io::HttpResponse response;
  co_await exchange.respond(response, text);
}

/// An answer of a length that nobody knows beforehand goes out in chunks.
asio::awaitable<void> lines(io::HttpExchange& exchange) {
  const io::HttpResponse response;
  std::error_code error = co_await exchange.send_head(response);
  for (int i = 1; i <= 3 && !error; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    error = co_await exchange.write(as_bytes(line));
  }
  if (!error) co_await exchange.finish();
}

asio::awaitable<void> ask(io::HttpServer& server, wire::Endpoint at, bool& all_well) {
  const std::string requests =
      "GET /hello/you HTTP/1.1\r\nHost: here\r\n\r\n"
      "PUT /count HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n12345"
      "GET /lines HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
  io::KernelStream stream(server.get_executor());
  std::string answers;
  std::error_code error;
  co_await stream.async_connect(at, asio::redirect_error(asio::use_awaitable, error));
  co_await asio::async_write(stream, asio::buffer(requests),
                             asio::redirect_error(asio::use_awaitable, error));
  co_await asio::async_read(stream, asio::dynamic_buffer(answers),
                            asio::redirect_error(asio::use_awaitable, error));
  std::printf("%s\n", answers.c_str());
  for (const char* expected : {"Hello, you!", "5 bytes", "line 3"})
    all_well = all_well && answers.find(expected) != answers.npos;
  server.stop();
}

}  // namespace

int main(int count_of_words, char** words) {
  const u16 port = count_of_words > 1 ? to<u16>(std::atoi(words[1])) : u16{0};
  asio::io_context context(1);
  io::KernelListener listener(context.get_executor());
  if (const auto error = listener.listen({wire::IpAddress::v4(127, 0, 0, 1), port})) {
    std::fprintf(stderr, "cannot listen: %s\n", error.message().c_str());
    return 1;
  }
  const wire::Endpoint here = listener.local_endpoint();

  io::HttpRouter router;
  router.add("GET", "/hello/{name}", hello);
  router.add("PUT", "/count", count);
  router.add("GET", "/lines", lines);
  io::HttpServer server(io::any_listener(std::move(listener)), std::ref(router));
  asio::co_spawn(context, server.run(), [](const std::exception_ptr&) {});
  bool all_well = true;
  if (port == 0)
    asio::co_spawn(context, ask(server, here, all_well), [](const std::exception_ptr&) {});
  context.run();
  return all_well ? 0 : 1;
}
