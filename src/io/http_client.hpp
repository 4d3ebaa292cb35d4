// GET on a stream that is there already; an HttpAgent opens its own.
#pragma once

#include <memory>
#include <string>

#include "io/detail/stream_face.hpp"
#include "io/http1_connection.hpp"
#include "io/networks.hpp"

namespace handfast::io {

struct HttpClientOptions {
  std::string user_agent = "handfast";
  Duration idle_timeout = 60s;  // without a byte from the server
  bool keep_alive = false;      // more requests will follow on this connection
  http::Config http{};
};

template <class Stream>
class HttpClient {
 public:
  /// `stream` is connected, and outlives this.
  explicit HttpClient(Stream& stream, HttpClientOptions options = {})
      : options_(std::move(options)),
        network_(stream.get_executor()),
        connection_(std::make_unique<detail::StreamFace<Stream&>>(stream), network_,
                    {.keep_alive = options_.keep_alive, .http = options_.http}) {}

  /// After a success another may follow if can_continue().
  asio::awaitable<HttpOutcome> get(const http::Url& url, HttpSink& sink) {
    const HttpFetch request{.url = url,
                            .fields = {{"User-Agent", options_.user_agent}, {"Accept", "*/*"}}};
    const HttpLimits limits{.first_byte = options_.idle_timeout, .idle = options_.idle_timeout};
    HttpOutcome outcome = co_await connection_.exchange(request, limits, sink);
    co_return outcome;
  }
  bool can_continue() { return connection_.can_take(); }

 private:
  HttpClientOptions options_;
  KernelNetwork network_;  // for its clock
  Http1Connection connection_;
};

}  // namespace handfast::io
