#include "cli/retry.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "http/date.hpp"
#include "http/redirect.hpp"

namespace handfast::cli {

namespace {

/// Statuses that tell of a moment, not of the request.
bool may_pass(u16 status) {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
         status == 503 || status == 504;
}

bool may_pass(io::HttpFailure::Kind kind) {
  using Kind = io::HttpFailure::Kind;
  return kind == Kind::stream || kind == Kind::timeout || kind == Kind::cut_off ||
         kind == Kind::name || kind == Kind::connect || kind == Kind::proxy;
}

/// Before that, nothing of the request was sent.
bool is_before_request(io::HttpFailure::Kind kind) {
  using Kind = io::HttpFailure::Kind;
  return kind == Kind::name || kind == Kind::connect || kind == Kind::proxy;
}

/// Seconds, or a date.
std::optional<Duration> parse_retry_after(const std::string& text, i64 now) {
  u32 seconds = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (end.ec == std::errc{} && end.ptr == text.data() + text.size())
    return std::chrono::seconds(seconds);
  const auto date = http::parse_date(text);
  if (!date) return std::nullopt;
  return std::chrono::seconds(std::max<i64>(*date - now, 0));
}

}  // namespace

bool Retry::next(const io::HttpOutcome& result, i64 now) {
  if (left_ == 0) return false;
  const bool is_passing = result ? may_pass(result->status) : may_pass(result.error().kind);
  const bool is_harmless =
      http::is_idempotent(method_) || (!result && is_before_request(result.error().kind));
  if (!is_passing || !is_harmless) return false;
  delay_ = std::min<Duration>(std::chrono::seconds(1) * (1 << std::min(tries_, 16u)), delay_max);
  if (result)
    if (const auto wanted = parse_retry_after(result->retry_after, now)) {
      if (*wanted > retry_after_max) return false;
      delay_ = *wanted;
    }
  --left_;
  ++tries_;
  return true;
}

bool Retry::once_at_once() {
  delay_ = Duration{};
  return !std::exchange(had_one_free_, true);
}

}  // namespace handfast::cli
