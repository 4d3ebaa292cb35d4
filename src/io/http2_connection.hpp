// An HTTP client on one connection, by RFC 9113: any number of exchanges at a time, as many as the
// server allows, each with its response streamed to its sink.
#pragma once

#include <memory>

#include "http/error.hpp"
#include "http/h2/config.hpp"
#include "http/h2/event.hpp"
#include "io/http_fetch.hpp"

namespace handfast::io {

class Http2Connection final : public HttpChannel {
 public:
  /// `stream` is connected, and the server speaks HTTP/2 on it: ALPN has said so, or somebody who
  /// knows. `network` outlives this, and what runs on its executor.
  Http2Connection(std::unique_ptr<ByteStream> stream, const Network& network,
                  const http::h2::Config& config = {});
  ~Http2Connection() override;

  /// Content goes out without waiting for the server's consent: its window bounds what is in vain.
  asio::awaitable<HttpOutcome> exchange(const HttpFetch& request, const HttpLimits& limits,
                                        HttpSink& sink) override;
  bool can_take() override;
  bool is_idle() const override;
  void close() override;
  void abort() override;
  ByteStream& stream() override;

 private:
  class Link;
  struct Exchange;

  Result<http::h2::StreamId, http::Error> begin(const HttpFetch& request);
  asio::awaitable<void> upload(http::h2::StreamId id, Exchange& it, HttpSource& source);
  asio::awaitable<void> send(http::h2::StreamId id, Exchange& it, Bytes bytes);
  asio::awaitable<std::error_code> wait(Exchange& it);

  std::shared_ptr<Link> link_;  // its coroutines hold it as well
};

}  // namespace handfast::io
