// What all connections of an HTTP server share, whatever their version: the handler, options,
// counters, time and buffers.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/config.hpp"
#include "http/date.hpp"
#include "http/h2/config.hpp"
#include "io/http_exchange.hpp"
#include "io/spare_buffers.hpp"

namespace handfast::io {

struct HttpServerOptions {
  std::string name = "handfast";  // the Server field
  bool keep_alive = true;
  std::string hsts{};                 // the Strict-Transport-Security field, over TLS
  Duration idle_timeout = 30s;        // between two requests
  Duration request_timeout = 20s;     // from a head's first byte to its last
  Duration content_timeout = 30s;     // without a byte of content that is waited for
  Duration write_timeout = 60s;       // without any progress of a response
  Duration linger_timeout = 2s;       // for the client's FIN behind ours (RFC 9112 §9.6)
  u32 rate_min = 0;                   // bytes/s either way, once content_timeout has passed; 0: any
  u32 connections_max = 4096;         // beyond, a client hears 503
  u32 turned_away_max = 64;           // at a time; more wait in the listener's backlog
  Duration retry_after = 5s;          // what those are told
  u32 write_buffer_max = 64u << 10;   // bytes held for a slow reader; with TLS half of it is sealed
  u64 dropped_content_max = 1 << 20;  // bytes that no handler wanted and are read all the same
  http::Config http{};
  bool offers_http2 = true;  // to clients that ask for it: by ALPN, or by its preface
  http::h2::Config http2{};
  /// Seconds since 1970, for the Date field; empty: the system's clock.
  std::function<i64()> unix_time{};
  /// Empty: the steady clock.
  std::function<Instant()> clock{};
};

struct HttpServerCounters {
  u64 connections = 0;
  u32 connections_open = 0;
  u64 requests = 0;
  u64 refused = 0;        // answered by 4xx or 5xx
  u64 content_bytes = 0;  // handed to the transport
  u64 cut_off = 0;        // responses that could not be finished
  u64 turned_away = 0;    // connections beyond connections_max
  u64 handshakes = 0;     // of TLS, that succeeded
  u64 handshakes_failed = 0;
  std::array<u64, 6> by_class{};  // requests by their status: [2] is 2xx; [0] had none
  /// How many took at most durations[i], and [7] longer.
  static constexpr std::array<Duration, 7> durations{1ms, 5ms, 25ms, 100ms, 500ms, 2500ms, 10s};
  std::array<u64, 8> by_duration{};
  Duration duration_sum{};
};

/// RFC 8470 §5.2: a request that may be somebody's copy (`is_early`, or it says so of itself), and
/// does more than to ask. It gets 425.
bool is_too_early(const HttpRequest& request, bool is_early);

/// Must outlive the connections that use it.
class HttpService {
 public:
  HttpService(HttpHandler handler, HttpServerOptions options)
      : handler_(std::move(handler)), options_(std::move(options)) {}
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  /// Has `exchange` answered by the handler; makes up for what that left out; tells about it.
  asio::awaitable<void> answer(HttpExchange& exchange);
  /// The same without the handler: the exchange's refusal, if the client can still hear it.
  asio::awaitable<void> refuse(HttpExchange& exchange);

  const HttpServerOptions& options() const { return options_; }
  HttpServerCounters& counters() { return counters_; }
  Instant now() const;
  /// How long to wait for the next byte where `bytes` have moved since `began`: `timeout`, or less
  /// where that would be slower than HttpServerOptions::rate_min.
  Duration limit(Duration timeout, u64 bytes, Instant began) const;
  i64 unix_time() const;
  /// The Date field of now; until the next call.
  std::string_view date();

  /// `told` hears of each exchange when it is over.
  void on_access(std::function<void(const HttpExchange&)> told) { told_ = std::move(told); }

  /// How much of a response waits in our buffer: TLS holds as much again, sealed.
  u32 buffer_bytes(const AnyStream& stream) const;
  Buffer take_buffer(u32 size) { return spare_.take(size); }
  void give_back(Buffer buffer) { spare_.give_back(std::move(buffer)); }

  bool stopping = false;  // connections end after the response at hand

 private:
  void tell(const HttpExchange& exchange);

  HttpHandler handler_;
  HttpServerOptions options_;
  HttpServerCounters counters_;
  std::function<void(const HttpExchange&)> told_;
  SpareBuffers spare_;
  i64 date_second_ = -1;
  http::DateText date_{};
};

/// A connection under way. The stream below is the server's.
class HttpConnection {
 public:
  HttpConnection() = default;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  virtual ~HttpConnection() = default;

  /// Until the connection is over and the stream closed.
  virtual asio::awaitable<void> run() = 0;
  /// HttpService::stopping is set: ends now where nobody waits for an answer, else after those.
  virtual void stop() = 0;
  /// Ends at once.
  virtual void abort() = 0;
};

}  // namespace handfast::io
