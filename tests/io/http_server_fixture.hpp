// An HTTP server with a handler of the test's on one stack, and raw bytes from the other.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include "io/http_server.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {

inline asio::awaitable<void> say(HttpExchange& exchange, std::string text) {
  const HttpResponse response;
  co_await exchange.respond(response, text);
}

/// Sends `response` with the content that comes, piece by piece; false where that is not whole.
inline asio::awaitable<bool> send_back(HttpExchange& exchange, HttpResponse response) {
  std::error_code error = co_await exchange.send_head(response, true);
  HttpPiece piece;
  do {
    piece = co_await exchange.read();
    error = co_await exchange.write(piece.bytes);
  } while (!error && !piece.error && !piece.bytes.empty());
  co_return !piece.error;
}
inline asio::awaitable<void> echo(HttpExchange& exchange) {
  HttpResponse response;
  response.length = exchange.request().content_length;
  const bool is_whole = co_await send_back(exchange, response);
  if (is_whole) co_await exchange.finish(exchange.trailers());
}

class HttpHandlers : public testing::Test {
 protected:
  explicit HttpHandlers(const tcp::Config& tcp = {}) : stacks(tcp) {}

  void serve(HttpHandler handler, HttpServerOptions options = {}) {
    options.clock = [this] { return stacks.now(); };
    server = std::make_unique<HttpServer>(any_listener(TcpListener(*stacks.server, server_at)),
                                          std::move(handler), std::move(options));
    server->on_access([this](const HttpExchange& exchange) {
      log.push_back(exchange.request().method + " " + exchange.request().target + " " +
                    std::to_string(exchange.status()) + " " +
                    std::to_string(exchange.content_bytes()) +
                    (exchange.is_complete() ? "" : " cut off"));
    });
    stacks.spawn(server->run());
  }
  asio::awaitable<TcpStream> connected() {
    TcpStream stream(*stacks.client);
    co_await stream.async_connect(server_at, asio::use_awaitable);
    co_return stream;
  }
  /// Sends `text` and returns all that comes until the server closes.
  std::string answer_to(std::string text) {
    std::string answer;
    const auto talk = [&]() -> asio::awaitable<void> {
      TcpStream stream = co_await connected();
      std::error_code error;
      co_await asio::async_write(stream, asio::buffer(text),
                                 asio::redirect_error(asio::use_awaitable, error));
      co_await asio::async_read(stream, asio::dynamic_buffer(answer),
                                asio::redirect_error(asio::use_awaitable, error));
    };
    stacks.spawn(talk());
    stacks.run_for(300s);
    return answer;
  }
  /// "GET target" and the end.
  std::string get(const std::string& target, const std::string& fields = "") {
    return answer_to("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + fields +
                     "\r\n");
  }
  static std::string content_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == answer.npos ? "" : answer.substr(end + 4);
  }

  TwoStacks stacks;
  std::unique_ptr<HttpServer> server;
  std::vector<std::string> log;
};

}  // namespace handfast::io
