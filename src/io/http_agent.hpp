// An HTTP client: give it a request, and it finds or opens a connection, follows redirects, keeps
// cookies and unpacks content. Over our own stack or the kernel's (Network).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/cookies.hpp"
#include "io/certificate_files.hpp"
#include "io/http_decoding.hpp"
#include "io/http_dialer.hpp"
#include "io/http_pool.hpp"

namespace handfast::io {

class HttpAgent {
 public:
  struct Options {
    std::string user_agent = "handfast";
    u32 redirects_max = 10;  // 0: the redirect itself is the answer
    /// Follows redirects from https to http.
    bool may_downgrade = false;
    /// Asks for compressed content, and unpacks it.
    bool decompress = false;
    u64 decoded_bytes_max = u64{4} << 30;
    HttpLimits limits{};
    HttpDialer::Options dial{};
    HttpPool::Config pool{};
    http::CookieJar::Config cookies{};
  };
  /// As HttpDialer: all outlive this, and this outlives every fetch(). `network` and `names`
  /// outlive what the executor runs: a look-up may go on when its answer is not needed any more.
  HttpAgent(Network& network, Names& names, std::function<TlsContext&()> tls, Options options);

  /// Sends `request`, whose Host, framing, User-Agent, Accept, Accept-Encoding and Cookie fields
  /// are added where it has none. `sink` sees the response that the redirects led to. A request on
  /// a connection that died while it was idle is sent again on another, if that does no harm (RFC
  /// 9110 §9.2.2). Any number at a time.
  asio::awaitable<HttpOutcome> fetch(HttpFetch request, HttpSink& sink);

  /// Says goodbye on all connections, none of which is in use.
  asio::awaitable<void> close();
  /// What is under way fails, and nothing begins any more.
  void cancel();

  http::CookieJar& cookies() { return cookies_; }
  HttpDialer& dialer() { return dialer_; }
  const HttpPool& pool() const { return pool_; }
  Options& options() { return options_; }

  /// Hears of each request that goes out, but not of its framing; of the head of each answer to it,
  /// interim ones left out.
  std::function<void(const HttpFetch&)> on_request;
  std::function<void(const http::Response&)> on_response;
  /// Hears of each redirect that is followed, and what its request came to.
  std::function<void(const HttpResult&, const http::Url& next)> on_redirect;
  std::function<WallTime()> wall_clock = wall_now;

 private:
  using Outcome = std::optional<HttpFailure>;
  using Borrowed = Result<std::shared_ptr<HttpChannel>, HttpFailure>;
  class Reception;

  HttpFetch complete(const HttpFetch& request);
  asio::awaitable<HttpOutcome> ask(const HttpFetch& request, HttpSink& sink);
  asio::awaitable<Borrowed> borrow(const http::Url& url, HttpOpening& opening);
  Outcome follow(HttpFetch& request, const HttpResult& result) const;

  Network& network_;
  Options options_;
  HttpDialer dialer_;
  HttpPool pool_;
  http::CookieJar cookies_;
  bool is_cancelled_ = false;
};

}  // namespace handfast::io
