#include "io/scripted_origin.hpp"

#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/write.hpp>

namespace handfast::io {

std::string answer_with(const std::string& content, const std::string& fields,
                        const std::string& status) {
  return "HTTP/1.1 " + status + "\r\n" + fields +
         "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

ScriptedOrigin::ScriptedOrigin(TwoStacks& stacks, u16 port,
                               std::function<Answer(const Request&)> answer)
    : listener_(*stacks.server, {server_address, port}),
      answer_(std::move(answer)),
      executor_(stacks.context.get_executor()) {
  asio::co_spawn(executor_, accept(), asio::detached);
}

asio::awaitable<void> ScriptedOrigin::accept() {
  while (true) {
    std::error_code error;
    TcpStream stream =
        co_await listener_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    asio::co_spawn(executor_, serve(std::move(stream), ++connections), asio::detached);
  }
}

asio::awaitable<void> ScriptedOrigin::serve(TcpStream stream, u32 number) {
  std::string input;
  while (true) {
    Request request;
    request.connection = number;
    if (!co_await receive(stream, input, request)) co_return;
    requests.push_back(request);
    const Answer answer = answer_(request);
    std::error_code error;
    co_await asio::async_write(stream, asio::buffer(answer.bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    if (answer.closes || error) co_return;
  }
}

asio::awaitable<bool> ScriptedOrigin::receive(TcpStream& stream, std::string& input,
                                              Request& request) {
  http::Connection parser(http::Role::server);
  while (true) {
    Bytes in = as_bytes(input);
    const auto event = parser.next(in);
    EXPECT_TRUE(event.has_value()) << event.error().why;
    if (!event) co_return false;
    if (const auto* head = std::get_if<http::Request>(&*event)) {
      request.method = head->method;
      request.target = head->target;
      for (const http::Field& field : head->fields)
        request.fields.push_back({std::string(field.name), std::string(field.value)});
    } else if (const auto* data = std::get_if<http::Data>(&*event)) {
      request.content += as_text(data->bytes);
    }
    const bool is_over = std::holds_alternative<http::EndOfMessage>(*event);
    const bool needs_more = std::holds_alternative<http::NeedMore>(*event);
    const bool is_asked = needs_more && parser.client_waits();
    input.erase(0, input.size() - in.size());
    if (is_over) co_return true;
    std::error_code error;
    if (is_asked && request.content.empty()) {
      co_await asio::async_write(stream, asio::buffer(consent),
                                 asio::redirect_error(asio::use_awaitable, error));
      if (!consent.starts_with("HTTP/1.1 100")) {
        requests.push_back(request);
        co_return false;
      }
    }
    if (!needs_more) continue;
    std::array<char, 16384> room;
    const std::size_t n = co_await stream.async_read_some(
        asio::buffer(room), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    input.append(room.data(), n);
  }
}

}  // namespace handfast::io
