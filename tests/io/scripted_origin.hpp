// An HTTP/1.1 server on a stack of ours that answers what a test says, byte for byte, and remembers
// what it was asked.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/connection.hpp"
#include "io/http_fetch.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"

namespace handfast::io {

class ScriptedOrigin {
 public:
  struct Request {
    std::string method;
    std::string target;
    std::vector<HttpField> fields;
    std::string content;
    u32 connection = 0;  // the first has number 1

    std::string field(std::string_view name) const {
      const HttpField* found = find(fields, name);
      return found == nullptr ? "" : found->value;
    }
  };
  struct Answer {
    std::string bytes;
    bool closes = false;
  };

  ScriptedOrigin(TwoStacks& stacks, u16 port, std::function<Answer(const Request&)> answer);

  std::vector<Request> requests;
  u32 connections = 0;
  /// What a request that expects a consent gets; a final one is all that it gets.
  std::string consent = "HTTP/1.1 100 Continue\r\n\r\n";

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(TcpStream stream, u32 number);
  /// False at the end of the connection.
  asio::awaitable<bool> receive(TcpStream& stream, std::string& input, Request& request);

  TcpListener listener_;
  std::function<Answer(const Request&)> answer_;
  asio::any_io_executor executor_;
};

/// A response with its length.
std::string answer_with(const std::string& content, const std::string& fields = "",
                        const std::string& status = "200 OK");

}  // namespace handfast::io
