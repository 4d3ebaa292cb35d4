// RFC 9110 §8.4: takes content codings off a response before its sink sees it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/content_decoder.hpp"
#include "io/http_fetch.hpp"

namespace handfast::io {

class HttpDecoding final : public HttpSink {
 public:
  static constexpr u32 codings_max = 2;  // on top of each other

  /// `sink` outlives this, and gets at most `bytes_max` bytes.
  HttpDecoding(HttpSink& sink, u64 bytes_max) : sink_(sink), left_(bytes_max) {}

  bool on_head(const http::Response& response, std::optional<u64> length) override;
  std::error_code on_content(Bytes bytes) override;
  void on_trailers(http::Fields trailers) override { sink_.on_trailers(trailers); }

  /// The content has ended: whether all of it is there. Otherwise why() says it.
  bool finish();
  /// Why the content cannot be unpacked; empty where it can.
  const std::string& why() const { return why_; }

 private:
  bool add_decoders(http::Fields fields);
  /// Through the decoders from `level` down to the first.
  std::error_code pass_on(std::size_t level, Bytes bytes);
  void refuse(std::string why) { why_ = std::move(why); }

  HttpSink& sink_;
  u64 left_;
  std::vector<std::unique_ptr<http::ContentDecoder>> decoders_;  // in the order of coding
  std::vector<std::vector<u8>> rooms_;
  std::string why_;
};

}  // namespace handfast::io
