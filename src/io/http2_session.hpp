// One HTTP/2 connection of a server (RFC 9113): a coroutine that reads, one that writes, and one
// for each request, which runs the same handlers as over HTTP/1.1. While no request is open it
// holds no buffer.
#pragma once

#include <map>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "http/h2/connection.hpp"
#include "io/any_stream.hpp"
#include "io/http2_exchange.hpp"
#include "io/http_service.hpp"

namespace handfast::io {

class Http2Session final : public HttpConnection {
 public:
  /// `stream` and `service` outlive this. `received` was read from `stream` already.
  Http2Session(AnyStream& stream, HttpService& service, Bytes received = {});

  asio::awaitable<void> run() override;
  void stop() override;
  void abort() override;

  // For the exchanges.
  http::h2::Connection& connection() { return connection_; }
  HttpService& service() { return service_; }
  AnyStream& stream() { return stream_; }
  const wire::Endpoint& client() const { return client_; }
  /// There may be something to send.
  void flush();
  /// An exchange waits until then.
  void watch(Instant deadline);

 private:
  asio::awaitable<void> read_all();
  asio::awaitable<Transferred> read_some(Buffer& buffer);
  asio::awaitable<void> write_all();
  asio::awaitable<bool> write_output(Buffer& buffer);
  asio::awaitable<void> wait(asio::steady_timer& timer);
  asio::awaitable<void> close();

  void take_events();
  Http2Exchange& make(http::h2::StreamId id);
  void begin(http::h2::StreamId id);
  void end(http::h2::StreamId id);
  Http2Exchange* find(http::h2::StreamId id);

  /// The stream's limit: the first of all that are under way.
  void set_limit();
  /// A limit has passed; false where the connection is over by that.
  bool on_time_out();
  u32 buffer_bytes() const;

  AnyStream& stream_;
  HttpService& service_;
  wire::Endpoint client_;
  http::h2::Connection connection_;
  std::vector<u8> received_;
  std::map<http::h2::StreamId, Http2Exchange> exchanges_;
  asio::steady_timer output_wanted_;  // never expires: cancelled by flush()
  asio::steady_timer changed_;        // the same, when a coroutine has ended
  Instant idle_since_{};              // without a request
  Instant limit_ = never;             // the stream's
  u64 written_ = 0;                   // since the last time that nothing was left to write
  Instant writing_since_{};
  bool has_output_ = true;
  bool is_writing_ = false;
  bool is_reading_ = true;
  bool is_writer_over_ = false;
  bool is_ending_ = false;  // was shut down
  bool has_failed_ = false;
};

}  // namespace handfast::io
