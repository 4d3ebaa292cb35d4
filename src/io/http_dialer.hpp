// From a URL to a connection that can be asked for it: name, TCP, proxy, TLS.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/config.hpp"
#include "http/h2/config.hpp"
#include "io/connector.hpp"
#include "io/http_fetch.hpp"

namespace handfast::io {

class HttpDialer {
 public:
  struct Options {
    Duration connect_timeout = 10s;  // from the first attempt on, for all of a host's addresses
    Duration tls_timeout = 10s;
    /// http URLs are asked of it (RFC 9112 §3.2.2), https ones through it (RFC 9110 §9.3.6).
    std::optional<http::Url> proxy{};
    http::Config http{};
    http::h2::Config http2{};  // where ALPN agrees on "h2" (TlsContext::config.protocols)
  };
  /// All outlive this. `tls` is asked for with the first https URL.
  HttpDialer(Network& network, Names& names, std::function<TlsContext&()> tls, Options options);

  using Dialed = Result<std::unique_ptr<HttpChannel>, HttpFailure>;
  /// `opening` gets what the steps took.
  asio::awaitable<Dialed> dial(const http::Url& url, HttpOpening& opening);
  /// What is under way fails.
  void abort();

  /// Told of each step, in words.
  std::function<void(const std::string&)> on_note;
  /// Told what TLS agreed on.
  std::function<void(const tls::Summary&)> on_secured;

 private:
  using Outcome = std::optional<HttpFailure>;
  /// A stream that abort() knows.
  struct UnderWay;

  asio::awaitable<Outcome> secure(std::unique_ptr<ByteStream>& stream, const http::Url& url,
                                  HttpOpening& opening);
  asio::awaitable<Outcome> open_tunnel(ByteStream& stream, const http::Url& url);
  std::unique_ptr<HttpChannel> make_connection(std::unique_ptr<ByteStream> stream,
                                               const http::Url& url);
  void note(const std::string& text) const;

  Network& network_;
  Connector connector_;
  std::function<TlsContext&()> tls_;
  Options options_;
  std::vector<ByteStream*> under_way_;
  bool is_aborted_ = false;
};

/// RFC 9110 §9.3.6: asks the proxy at the other end of `stream` for a tunnel to `authority`. What
/// it refuses is a failure of kind `proxy`.
asio::awaitable<std::optional<HttpFailure>> ask_for_tunnel(ByteStream& stream,
                                                           std::string authority,
                                                           http::Config config);

}  // namespace handfast::io
