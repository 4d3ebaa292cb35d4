#include "io/http_service.hpp"

#include <algorithm>
#include <chrono>

#include "io/any_stream.hpp"

namespace handfast::io {
namespace {

i64 system_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(now).count();
}

}  // namespace

bool is_too_early(const HttpRequest& request, bool is_early) {
  const bool only_asks = request.method == "GET" || request.method == "HEAD";
  // RFC 8470 §5.1: an intermediary says so of what it passed on.
  return !only_asks && (is_early || request.fields.find("early-data") == "1");
}

asio::awaitable<void> HttpService::answer(HttpExchange& exchange) {
  bool failed = false;
  try {
    co_await handler_(exchange);
  } catch (const std::exception&) {
    failed = true;
  }
  if (exchange.status() == 0 && (failed || !exchange.refusal()))
    exchange.note_refusal({500, "The server failed at this."});
  if (exchange.status() == 0)
    co_await refuse(exchange);
  else
    tell(exchange);
}

asio::awaitable<void> HttpService::refuse(HttpExchange& exchange) {
  if (exchange.status() == 0 && exchange.refusal())
    co_await exchange.respond_error(exchange.refusal()->status, exchange.refusal()->why);
  tell(exchange);
}

Instant HttpService::now() const {
  if (options_.clock) return options_.clock();
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

Duration HttpService::limit(Duration timeout, u64 bytes, Instant began) const {
  if (options_.rate_min == 0) return timeout;
  const Duration earned = std::chrono::seconds(bytes / options_.rate_min);
  return std::clamp(timeout + earned - (now() - began), Duration{}, timeout);
}

u32 HttpService::buffer_bytes(const AnyStream& stream) const {
  return stream.tls() == nullptr ? options_.write_buffer_max : options_.write_buffer_max / 2;
}

i64 HttpService::unix_time() const {
  return options_.unix_time ? options_.unix_time() : system_seconds();
}

std::string_view HttpService::date() {
  const i64 now = unix_time();
  if (now != date_second_) date_ = http::format_date(now);
  date_second_ = now;
  return http::as_text(date_);
}

void HttpService::tell(const HttpExchange& exchange) {
  ++counters_.requests;
  if (exchange.status() >= 400) ++counters_.refused;
  ++counters_.by_class[to<std::size_t>(std::min(exchange.status() / 100, 5))];
  const Duration took = now() - exchange.began();
  const auto& steps = HttpServerCounters::durations;
  ++counters_.by_duration[to<std::size_t>(std::ranges::lower_bound(steps, took) - steps.begin())];
  counters_.duration_sum += took;
  if (!exchange.is_complete()) ++counters_.cut_off;
  if (told_) told_(exchange);
}

}  // namespace handfast::io
