// An HTTP client on one connection, by RFC 9112: requests one after the other, each with its
// response streamed to a sink. While content goes out, the response is already read.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "http/connection.hpp"
#include "io/http_fetch.hpp"

namespace handfast::io {

class Http1Connection final : public HttpChannel {
 public:
  struct Options {
    bool keep_alive = true;
    /// RFC 9112 §3.2.2: `stream` leads to a proxy, which is asked in absolute-form.
    bool is_to_proxy = false;
    http::Config http{};
  };

  /// `stream` is connected; for TLS the hands are shaken. `network` outlives this.
  Http1Connection(std::unique_ptr<ByteStream> stream, const Network& network,
                  const Options& options);

  asio::awaitable<HttpOutcome> exchange(const HttpFetch& request, const HttpLimits& limits,
                                        HttpSink& sink) override;
  bool can_take() override;
  bool is_idle() const override { return !is_busy_; }
  void close() override;
  void abort() override { stream_->abort(); }
  ByteStream& stream() override { return *stream_; }

  /// From this size on, content waits for the server's consent (RFC 9110 §10.1.1), as does content
  /// of unknown size; for so long.
  static constexpr u64 expect_bytes_min = 1u << 20;
  static constexpr Duration consent_wait_max = 1s;

 private:
  using Outcome = std::optional<HttpFailure>;
  enum class Upload : u8 { none, running, complete, stopped, failed };

  void begin();
  asio::awaitable<Outcome> send_head(const HttpFetch& request);
  std::vector<http::Field> make_fields(const HttpFetch& request, const std::string& host,
                                       const std::string& length) const;

  void start_upload(const HttpFetch& request, const HttpLimits& limits);
  asio::awaitable<Upload> upload(HttpSource* source, Duration idle);
  asio::awaitable<Upload> send_content(HttpSource* source, Duration idle);
  Bytes frame_content(Bytes content, bool is_last, MutBytes room);
  asio::awaitable<void> stop_upload();

  asio::awaitable<Outcome> step(const HttpLimits& limits, HttpSink& sink);
  void on_head(const http::Response& response, HttpSink& sink);
  asio::awaitable<Outcome> read(const HttpLimits& limits);
  HttpFailure stream_failure(std::error_code error, const HttpLimits& limits) const;
  HttpFailure protocol(const http::Error& error) const;
  HttpOutcome finish(Outcome failed);

  static constexpr u32 read_bytes = 64u << 10;
  static constexpr u32 write_bytes = 64u << 10;
  static constexpr Duration linger_max = 1s;  // for content that the server may not have read

  std::unique_ptr<ByteStream> stream_;
  const Network& network_;
  Options options_;
  http::Connection connection_;
  std::unique_ptr<NetworkTimer> changed_;  // of the upload, the consent to it, or its end
  std::vector<u8> input_;                  // what came is [begin_, end_)
  u32 begin_ = 0;
  u32 end_ = 0;

  // The exchange at hand.
  HttpProgress progress_;
  Upload upload_ = Upload::none;
  bool has_consent_ = false;
  std::error_code source_error_{};
  bool is_busy_ = false;
  bool is_wanted_ = false;
  bool is_done_ = false;
  bool is_ended_ = false;
  bool is_broken_ = false;  // not all content went out
};

}  // namespace handfast::io
