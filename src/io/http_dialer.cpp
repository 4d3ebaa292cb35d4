#include "io/http_dialer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "io/http1_connection.hpp"
#include "io/http2_connection.hpp"

namespace handfast::io {

struct HttpDialer::UnderWay {
  UnderWay(HttpDialer& dialer, ByteStream& of) : it(dialer), stream(of) {
    it.under_way_.push_back(&stream);
  }
  ~UnderWay() { std::erase(it.under_way_, &stream); }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  HttpDialer& it;
  ByteStream& stream;
};

namespace {

/// RFC 8446 §2, RFC 5246 §7.3: flights that the client waits for.
u32 trips_of(const tls::Summary& summary) {
  const bool is_13 = summary.version == tls::Version::tls_1_3;
  if (is_13) return summary.is_retried ? 2 : 1;
  return summary.is_resumed ? 1 : 2;
}

}  // namespace

HttpDialer::HttpDialer(Network& network, Names& names, std::function<TlsContext&()> tls,
                       Options options)
    : network_(network),
      connector_(network, names),
      tls_(std::move(tls)),
      options_(std::move(options)) {
  connector_.on_note = [this](const std::string& text) { note(text); };
}

void HttpDialer::abort() {
  is_aborted_ = true;
  connector_.abort();
  for (ByteStream* stream : under_way_) stream->abort();
}

void HttpDialer::note(const std::string& text) const {
  if (on_note) on_note(text);
}

asio::awaitable<HttpDialer::Dialed> HttpDialer::dial(const http::Url& url, HttpOpening& opening) {
  const http::Url& first = options_.proxy ? *options_.proxy : url;
  auto stream =
      co_await connector_.connect(first.host, first.port, options_.connect_timeout, opening);
  if (!stream) co_return failure(std::move(stream.error()));
  if (options_.proxy && url.is_secure) {
    Outcome refused = co_await open_tunnel(**stream, url);
    if (refused) co_return failure(std::move(*refused));
  }
  if (url.is_secure) {
    Outcome refused = co_await secure(*stream, url, opening);
    if (refused) co_return failure(std::move(*refused));
  }
  if (is_aborted_) co_return failure(cancelled());
  co_return make_connection(std::move(*stream), url);
}

/// What ALPN agreed on decides which HTTP is spoken (RFC 9110 §4.3.3, RFC 9113 §3.2).
std::unique_ptr<HttpChannel> HttpDialer::make_connection(std::unique_ptr<ByteStream> stream,
                                                         const http::Url& url) {
  if (stream->tls_summary() != nullptr && stream->tls_summary()->protocol == "h2")
    return std::make_unique<Http2Connection>(std::move(stream), network_, options_.http2);
  const Http1Connection::Options how{.is_to_proxy = options_.proxy && !url.is_secure,
                                     .http = options_.http};
  return std::make_unique<Http1Connection>(std::move(stream), network_, how);
}

asio::awaitable<HttpDialer::Outcome> HttpDialer::open_tunnel(ByteStream& stream,
                                                             const http::Url& url) {
  const UnderWay here(*this, stream);
  const std::string host = url.is_ipv6_literal ? "[" + url.host + "]" : url.host;
  std::string authority = fmt::format("{}:{}", host, url.port);
  note(fmt::format("asking {} for a tunnel to {}", options_.proxy->text(), authority));
  stream.expires_after(options_.connect_timeout);
  Outcome refused = co_await ask_for_tunnel(stream, std::move(authority), options_.http);
  if (refused && is_aborted_) co_return cancelled();
  if (refused) refused->where = options_.proxy->text();
  co_return refused;
}

asio::awaitable<HttpDialer::Outcome> HttpDialer::secure(std::unique_ptr<ByteStream>& stream,
                                                        const http::Url& url,
                                                        HttpOpening& opening) {
  const Instant begin = network_.now();
  stream = stream->secure(tls_(), url.host);
  // The request goes out with the ClientHello, and reading the answer ends the handshake.
  if (stream->tls_summary()->early_data == tls::EarlyData::offered) co_return std::nullopt;
  const UnderWay here(*this, *stream);
  stream->expires_after(options_.tls_timeout);
  const std::error_code error = co_await stream->shake_hands();
  if (error && is_aborted_) co_return cancelled();
  if (error) {
    HttpFailure failed{HttpFailure::Kind::tls, error};
    failed.why = "the TLS handshake failed";
    failed.where = url.text();
    failed.advice = stream->why().empty() ? error.message() : stream->why();
    if (error == std::errc::timed_out)
      failed.advice = fmt::format("it took longer than {:g} s",
                                  std::chrono::duration<double>(options_.tls_timeout).count());
    stream->abort();
    co_return failed;
  }
  opening.tls = network_.now() - begin;
  opening.tls_trips = trips_of(*stream->tls_summary());
  if (on_secured) on_secured(*stream->tls_summary());
  co_return std::nullopt;
}

}  // namespace handfast::io
