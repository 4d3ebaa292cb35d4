// The other side of a gateway: one connection to an origin server, over which requests go one after
// the other, and whose responses are taken piece by piece.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/connection.hpp"
#include "io/any_stream.hpp"
#include "io/http_exchange.hpp"
#include "io/http_message.hpp"

namespace handfast::io {

class HttpUpstream {
 public:
  /// A wait ends by `timeout`.
  HttpUpstream(std::unique_ptr<AnyStream> stream, Duration timeout)
      : stream_(std::move(stream)), connection_(http::Role::client), timeout_(timeout) {}

  /// Content follows by write() and finish(): chunked where `fields` give no length for it.
  /// `fields` have a Host.
  asio::awaitable<std::error_code> send_head(std::string method, std::string target,
                                             const FieldList& fields);
  asio::awaitable<std::error_code> write(Bytes content);
  asio::awaitable<std::error_code> finish(http::Fields trailers);

  /// The next response, which may be informational. bad_message where it is none.
  struct Head {
    std::error_code error{};
    HttpResponse response{};
  };
  asio::awaitable<Head> read_head();
  asio::awaitable<HttpPiece> read();
  http::Fields trailers() const { return trailers_.view(); }

  /// Another request can follow.
  bool can_continue() const { return connection_.our_state() == http::State::idle; }
  /// Something of a response came.
  bool has_answered() const { return has_answered_; }
  AnyStream& stream() { return *stream_; }
  /// Came already, behind a switch of protocols.
  Bytes early() const { return Bytes(input_).first(end_).subspan(begin_); }

 private:
  asio::awaitable<std::error_code> put(const http::Event& event, std::size_t room);
  asio::awaitable<std::error_code> read_more();
  Result<http::Event, http::Error> next_event();

  std::unique_ptr<AnyStream> stream_;
  http::Connection connection_;
  Duration timeout_;
  std::vector<u8> output_;
  std::vector<u8> input_;  // what came is [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  FieldList trailers_;
  bool has_answered_ = false;
};

}  // namespace handfast::io
