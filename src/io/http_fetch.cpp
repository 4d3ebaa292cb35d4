#include "io/http_fetch.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <asio/error.hpp>

#include "http/grammar.hpp"
#include "http/redirect.hpp"

namespace handfast::io {

const HttpField* find(const std::vector<HttpField>& fields, std::string_view name) {
  const auto found = std::ranges::find_if(fields, [name](const HttpField& field) {
    return http::equals_ignoring_case(field.name, name);
  });
  return found == fields.end() ? nullptr : &*found;
}

bool is_framing_field(std::string_view name) {
  constexpr std::array<std::string_view, 5> names{"content-length", "transfer-encoding",
                                                  "connection", "expect", "host"};
  return std::ranges::any_of(
      names, [name](std::string_view one) { return http::equals_ignoring_case(one, name); });
}

bool expects_content(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

HttpFailure cancelled() {
  HttpFailure failed{HttpFailure::Kind::cancelled, asio::error::operation_aborted};
  failed.why = "interrupted";
  return failed;
}

asio::awaitable<Moved> HttpText::read(MutBytes room) {
  const std::size_t n = std::min(room.size(), text_.size() - at_);
  std::copy_n(text_.begin() + to<std::ptrdiff_t>(at_), n, room.begin());
  at_ += n;
  co_return Moved{{}, n};
}
bool HttpText::rewind() {
  at_ = 0;
  return true;
}

void HttpProgress::on_head(const http::Response& response) {
  result.status = response.status;
  result.reason = response.reason;
  if (http::is_redirect(response.status))
    result.location = http::find(response.fields, "location").value_or("");
  result.retry_after = http::find(response.fields, "retry-after").value_or("");
}

HttpOutcome HttpProgress::conclude(std::optional<HttpFailure> failed, ByteStream& stream,
                                   Instant now) {
  if (failed) {
    failed->content_bytes = result.content_bytes;
    failed->is_answered = first_byte.has_value();
    if (failed->where.empty()) failed->where = wire::to_string(stream.remote_endpoint());
    return failure(std::move(*failed));
  }
  result.timing.round_trip = stream.round_trip();
  if (const tls::Summary* tls = stream.tls_summary()) result.timing.early_data = tls->early_data;
  if (first_byte) {
    result.timing.first_byte = *first_byte - started;
    result.timing.transfer = now - *first_byte;
  }
  return std::move(result);
}

}  // namespace handfast::io
