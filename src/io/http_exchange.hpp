// One request and its answer, whatever the version of HTTP: what a handler gets. A handler is a
// coroutine that reads as much of the content as it wants, piece by piece, and sends a head and
// content. Both ways a piece moves only when the handler asks for it: that is the back-pressure.
//
//   asio::awaitable<void> hello(io::HttpExchange& exchange) {
//     io::HttpResponse response{.fields = {{"Content-Type", "text/plain"}}};
//     co_await exchange.respond(response, "hello\n");
//   }
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/error.hpp"
#include "http/range.hpp"
#include "io/http_message.hpp"
#include "link/descriptor.hpp"

namespace handfast::io {

class AnyStream;
class HttpExchange;
class HttpService;

/// Answers. Where it returns, or throws, before finish(), the client hears 500 if it has heard
/// nothing yet; else the connection is cut, so that no part passes for the whole.
using HttpHandler = std::function<asio::awaitable<void>(HttpExchange&)>;

/// A piece of content; without an error and without bytes it is the end.
struct HttpPiece {
  std::error_code error{};
  Bytes bytes{};  // until the next call
};

/// A connection that is HTTP no more.
struct HttpTunnel {
  std::error_code error{};
  AnyStream* stream = nullptr;
  Bytes early{};  // came already; until the handler returns
};

class HttpExchange {
 public:
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;
  virtual ~HttpExchange() = default;

  const HttpRequest& request() const { return request_; }
  HttpRequest& request() { return request_; }

  /// The next piece of the request's content. A client that waits for 100 (Continue) gets it here.
  virtual asio::awaitable<HttpPiece> read() = 0;
  /// What came behind the content (RFC 9110 §6.5), once read() has told its end.
  http::Fields trailers() const { return trailers_.view(); }
  /// All content, if it is at most `bytes_max`; else file_too_large, and who returns then without
  /// an answer has the client hear 413.
  asio::awaitable<std::error_code> read_all(std::string& content, u64 bytes_max);
  /// For who wants no content: what is little is read to its end, so that a client hears where it
  /// is broken; too much of it is refused as in read_all(). Who waits for 100 is not made to send
  /// it.
  asio::awaitable<std::error_code> drop_content();

  // The answer: a head, content, the end. Each fails with invalid_argument where it is misused
  // (twice a head, more content than its length, a line break in a field), and that changes
  // nothing; else with what became of the connection, and so does every later one. `more`: what
  // follows comes at once, and this may wait for it. Content for a response that has none
  // (HEAD, 204, 304) is left out.
  /// 1xx, but not 100 and 101.
  virtual asio::awaitable<std::error_code> send_informational(u16 status, http::Fields fields) = 0;
  asio::awaitable<std::error_code> send_head(const HttpResponse& response, bool more = false);
  virtual asio::awaitable<std::error_code> write(Bytes content, bool more = false) = 0;
  /// A part of a file. Ends with io_error where the file has become shorter.
  virtual asio::awaitable<std::error_code> write_file(const link::Descriptor& file,
                                                      http::ByteRange part, bool more = false);
  /// Trailers need a response without a known length, and reach nobody over HTTP/1.0.
  virtual asio::awaitable<std::error_code> finish(http::Fields trailers = {}) = 0;
  /// Ends HTTP on this connection (RFC 9110 §7.8, §9.3.6): 101 to an Upgrade, 200 to a CONNECT. The
  /// handler then owns the stream until it returns. operation_not_supported where the client has
  /// not offered that, or the version of HTTP has no such thing.
  virtual asio::awaitable<HttpTunnel> switch_protocols(http::Fields fields);
  /// All of it in one.
  asio::awaitable<void> respond(const HttpResponse& response, std::string_view content);
  /// A short page that says what went wrong.
  asio::awaitable<void> respond_error(u16 status, std::string_view why);

  // What became of it.
  u16 status() const { return status_; }  // of the final head, 0 before
  bool is_complete() const { return complete_; }
  u64 content_bytes() const { return content_bytes_; }  // sent
  Instant began() const { return began_; }
  HttpService& service() const { return service_; }

 protected:
  explicit HttpExchange(HttpService& service) : service_(service) {}

  /// Sends the head; note_head() where that has worked.
  virtual asio::awaitable<std::error_code> put_head(u16 status, http::Fields fields, bool more) = 0;

  /// A new request begins, in the same object: all but request() is as new.
  void begin();
  void note_head(u16 status) { status_ = status; }
  void note_content(u64 bytes);
  void note_complete() { complete_ = true; }
  bool sends_no_content() const { return request_.is_head() || status_ == 204 || status_ == 304; }
  /// What is wrong with the request: a handler that gives up has the client hear that.
  void note_refusal(const http::Error& error) { refusal_ = error; }
  const std::optional<http::Error>& refusal() const { return refusal_; }
  void set_trailers(http::Fields fields) { trailers_.assign(fields); }
  /// An idle connection needs no memory for requests.
  void release();

 private:
  friend class HttpService;

  HttpService& service_;
  HttpRequest request_;
  FieldList trailers_;
  std::vector<http::Field> head_;  // what put_head() is given
  std::string length_;
  std::optional<http::Error> refusal_;
  Instant began_{};
  u64 content_bytes_ = 0;
  u16 status_ = 0;
  bool complete_ = false;
};

/// "<h1>404 Not Found</h1>" and a sentence, as HTML.
std::string error_page(u16 status, std::string_view why);

}  // namespace handfast::io
