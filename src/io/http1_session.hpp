// One HTTP/1.1 connection of a server: one exchange after the other. While it is idle it holds no
// buffer.
#pragma once

#include <optional>

#include <asio/awaitable.hpp>

#include "http/connection.hpp"
#include "io/any_stream.hpp"
#include "io/http_exchange.hpp"
#include "io/http_service.hpp"
#include "io/http_writer.hpp"

namespace handfast::io {

class Http1Session final : public HttpConnection, private HttpExchange {
 public:
  /// `stream` and `service` outlive this.
  Http1Session(AnyStream& stream, HttpService& service);
  ~Http1Session() override;

  asio::awaitable<void> run() override;
  void stop() override;
  void abort() override;

  /// What the client has sent, where it speaks HTTP/2 on this port instead (prior knowledge,
  /// RFC 9113 §3.3): then run() ends and leaves the stream open. Else empty.
  Bytes http2_bytes() const { return http2_bytes_; }

 private:
  enum class Got : u8 { request, nothing, refused };

  // The connection.
  asio::awaitable<bool> serve_one();
  std::optional<Got> take_head();
  asio::awaitable<Got> read_head();
  bool takes_http2_preface();
  void refuse_head(const http::Error& error);
  void take_request(const http::Request& from);
  asio::awaitable<void> drop_rest();
  asio::awaitable<void> close();
  /// More input, or an error; the stream's limit is set.
  asio::awaitable<std::error_code> read_more();
  void release_input();
  void release_memory();
  Result<http::Event, http::Error> next_event();

  // HttpExchange.
  asio::awaitable<HttpPiece> read() override;
  asio::awaitable<std::error_code> send_informational(u16 status, http::Fields fields) override;
  asio::awaitable<std::error_code> put_head(u16 status, http::Fields fields, bool more) override;
  asio::awaitable<std::error_code> write(Bytes content, bool more) override;
  asio::awaitable<std::error_code> write_file(const link::Descriptor& file, http::ByteRange part,
                                              bool more) override;
  asio::awaitable<std::error_code> finish(http::Fields trailers) override;
  asio::awaitable<HttpTunnel> switch_protocols(http::Fields fields) override;
  /// Puts what `event` is on the wire into the writer.
  asio::awaitable<std::error_code> put(const http::Event& event);
  /// Sends what the writer holds, and no more follows.
  asio::awaitable<std::error_code> flush();
  // The same where that needs no waiting, and so no coroutine: whether it is over.
  bool put_now(const http::Event& event, std::error_code& error);
  bool flush_now(std::error_code& error);
  HttpPiece refuse_content(const http::Error& error);
  std::error_code broken(std::error_code error);

  AnyStream& stream_;
  http::Connection connection_;
  HttpWriter writer_;
  Buffer input_;  // what came is [begin_, end_)
  u32 begin_ = 0;
  u32 end_ = 0;
  u64 content_read_ = 0;
  Instant content_began_{};
  std::error_code error_;     // of the stream, while it answers
  Bytes http2_bytes_;         // in input_
  bool is_first_ = true;      // no request came yet
  bool content_done_ = true;  // the request's end was seen
  bool idle_ = false;         // waits for a request, and nothing of it is there
  bool failed_ = false;       // there is nobody to close with in peace
};

}  // namespace handfast::io
