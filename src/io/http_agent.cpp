#include "io/http_agent.hpp"

#include "http/redirect.hpp"

namespace handfast::io {
namespace {

std::string origin_of(const http::Url& url) {
  http::Url origin = url;
  origin.target = "/";
  return origin.text();
}

HttpFailure refused(HttpFailure::Kind kind, std::string why, std::string where,
                    std::string advice) {
  HttpFailure failed{kind};
  failed.why = std::move(why);
  failed.where = std::move(where);
  failed.advice = std::move(advice);
  return failed;
}

/// Nothing of an answer came: the connection was closed by the server while it was idle.
bool is_stale(const HttpFailure& failed) {
  using Kind = HttpFailure::Kind;
  return !failed.is_answered && (failed.kind == Kind::stream || failed.kind == Kind::cut_off);
}

}  // namespace

/// Stands before the caller's sink: takes cookies, keeps back what is only a redirect.
class HttpAgent::Reception final : public HttpSink {
 public:
  Reception(HttpAgent& agent, const http::Url& url, HttpSink& sink)
      : agent_(agent),
        url_(url),
        sink_(sink),
        decoding_(sink, agent.options_.decoded_bytes_max),
        to_(agent.options_.decompress ? static_cast<HttpSink&>(decoding_) : sink) {}

  bool on_head(const http::Response& response, std::optional<u64> length) override {
    if (agent_.on_response) agent_.on_response(response);
    agent_.cookies_.set_all(url_, response.fields, agent_.wall_clock().time_since_epoch().count());
    is_redirect_ = agent_.options_.redirects_max > 0 && http::is_redirect(response.status) &&
                   http::find(response.fields, "location");
    return !is_redirect_ && to_.on_head(response, length);
  }
  std::error_code on_content(Bytes bytes) override { return to_.on_content(bytes); }
  void on_trailers(http::Fields trailers) override {
    if (!is_redirect_) sink_.on_trailers(trailers);
  }

  bool is_redirect() const { return is_redirect_; }
  HttpDecoding& decoding() { return decoding_; }

 private:
  HttpAgent& agent_;
  const http::Url& url_;
  HttpSink& sink_;
  HttpDecoding decoding_;
  HttpSink& to_;
  bool is_redirect_ = false;
};

HttpAgent::HttpAgent(Network& network, Names& names, std::function<TlsContext&()> tls,
                     Options options)
    : network_(network),
      options_(std::move(options)),
      dialer_(network, names, std::move(tls), options_.dial),
      pool_(options_.pool),
      cookies_(options_.cookies) {}

void HttpAgent::cancel() {
  is_cancelled_ = true;
  dialer_.abort();
  pool_.abort_all();
}

asio::awaitable<void> HttpAgent::close() {
  constexpr Duration patience = 2s;
  while (const auto connection = pool_.take_any()) {
    ByteStream& stream = connection->stream();
    stream.expires_after(patience);
    const std::error_code ignored = co_await stream.shut_down();
    static_cast<void>(ignored);
    connection->close();
  }
}

asio::awaitable<HttpOutcome> HttpAgent::fetch(HttpFetch request, HttpSink& sink) {
  for (u32 redirects = 0;; ++redirects) {
    Reception reception(*this, request.url, sink);
    HttpOutcome outcome = co_await ask(request, reception);
    if (!outcome && outcome.error().kind == HttpFailure::Kind::sink &&
        !reception.decoding().why().empty())
      outcome.error().kind = HttpFailure::Kind::coding;
    if (outcome && !reception.is_redirect() && !reception.decoding().finish())
      outcome = failure(refused(HttpFailure::Kind::coding, {}, request.url.text(), {}));
    if (!outcome && outcome.error().kind == HttpFailure::Kind::coding) {
      outcome.error().why = "the content cannot be unpacked";
      outcome.error().advice = reception.decoding().why();
    }
    if (!outcome) co_return outcome;
    outcome->url = request.url;
    if (!reception.is_redirect()) co_return outcome;
    if (redirects == options_.redirects_max)
      co_return failure(
          refused(HttpFailure::Kind::redirect, "too many redirects", request.url.text(), ""));
    Outcome failed = follow(request, *outcome);
    if (failed) co_return failure(std::move(*failed));
    if (on_redirect) on_redirect(*outcome, request.url);
  }
}

/// RFC 9110 §15.4.
HttpAgent::Outcome HttpAgent::follow(HttpFetch& request, const HttpResult& result) const {
  auto next = http::redirect(request.url, request.method, result.status, result.location,
                             options_.may_downgrade);
  if (!next)
    return refused(HttpFailure::Kind::redirect, "bad redirect", result.location,
                   std::string(next.error().why));
  if (!next->keeps_content) request.content = nullptr;
  if (request.content != nullptr && !request.content->rewind())
    return refused(HttpFailure::Kind::redirect, "the content cannot be sent a second time",
                   next->url.text(), "ask for that place in the first place");
  std::erase_if(request.fields, [&](const HttpField& field) {
    return (!next->keeps_content && http::is_content_field(field.name)) ||
           (next->leaves_origin && http::is_origin_field(field.name));
  });
  request.method = std::move(next->method);
  request.url = std::move(next->url);
  return std::nullopt;
}

HttpFetch HttpAgent::complete(const HttpFetch& request) {
  HttpFetch whole = request;
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty() && find(whole.fields, name) == nullptr)
      whole.fields.push_back({name, std::move(value)});
  };
  add("User-Agent", options_.user_agent);
  add("Accept", "*/*");
  if (options_.decompress) add("Accept-Encoding", std::string(http::decoded_codings));
  add("Cookie", cookies_.cookies_for(request.url, wall_clock().time_since_epoch().count()));
  return whole;
}

asio::awaitable<HttpAgent::Borrowed> HttpAgent::borrow(const http::Url& url, HttpOpening& opening) {
  const std::string origin = origin_of(url);
  std::shared_ptr<HttpChannel> connection = pool_.take(origin, network_.now());
  opening.is_reused = connection != nullptr;
  if (connection) co_return connection;
  auto dialed = co_await dialer_.dial(url, opening);
  if (!dialed) co_return failure(std::move(dialed.error()));
  connection = std::move(*dialed);
  pool_.add(origin, connection, network_.now());
  co_return connection;
}

asio::awaitable<HttpOutcome> HttpAgent::ask(const HttpFetch& request, HttpSink& sink) {
  const HttpFetch whole = complete(request);
  while (true) {
    HttpOpening opening;
    auto connection = co_await borrow(request.url, opening);
    if (!connection) co_return failure(std::move(connection.error()));
    if (on_request) on_request(whole);
    HttpOutcome outcome = co_await (*connection)->exchange(whole, options_.limits, sink);
    pool_.released(**connection, network_.now());
    if (outcome) {
      outcome->timing.opening = opening;
      co_return outcome;
    }
    if (is_cancelled_) outcome.error().kind = HttpFailure::Kind::cancelled;
    const bool again = opening.is_reused && is_stale(outcome.error()) && !is_cancelled_ &&
                       http::is_idempotent(request.method) &&
                       (request.content == nullptr || request.content->rewind());
    if (!again) co_return outcome;
  }
}

}  // namespace handfast::io
