// When a fetch that failed is tried again.
#pragma once

#include <string>

#include "io/http_fetch.hpp"

namespace handfast::cli {

/// Waits 1 s, 2 s, 4 s, … up to a minute, or as long as the server asks for (RFC 9110 §10.2.3).
class Retry {
 public:
  static constexpr Duration delay_max = std::chrono::minutes(1);
  static constexpr Duration retry_after_max = std::chrono::minutes(10);

  Retry(u32 retries_max, std::string method) : left_(retries_max), method_(std::move(method)) {}

  /// Whether what `result` tells may pass by itself, and trying again does no harm (RFC 9110
  /// §9.2.2). `now` is in seconds since 1970. Then delay() is how long to wait.
  bool next(const io::HttpOutcome& result, i64 now);
  /// The same once, whatever happened, and without waiting.
  bool once_at_once();
  Duration delay() const { return delay_; }

 private:
  u32 left_;
  std::string method_;
  u32 tries_ = 0;
  bool had_one_free_ = false;
  Duration delay_{};
};

}  // namespace handfast::cli
