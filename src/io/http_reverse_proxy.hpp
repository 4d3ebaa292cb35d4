// A handler that has an origin server answer (RFC 9110 §3.7: a gateway). Content streams both ways;
// what a connection is about stays on it (§7.6.1).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/any_stream.hpp"
#include "io/http_exchange.hpp"
#include "io/http_upstream.hpp"

namespace handfast::io {

struct HttpReverseProxyOptions {
  /// For the Host field; empty: the one that the client wanted.
  std::string authority{};
  /// This at the front of a path is replaced by that: "/api/" by "/".
  std::string prefix = "/";
  std::string replacement = "/";
  Duration timeout = 60s;  // without a byte either way; for the head of an answer, 504
  u32 idle_connections_max = 32;
};

/// A handler itself: `router.add("*", "/api/{rest...}", std::ref(proxy))`. 502 where the origin
/// cannot be reached or answers what is no HTTP, 504 where it takes too long. An upgrade that the
/// origin agrees to is passed through.
class HttpReverseProxy {
 public:
  /// Opens a connection to the origin.
  using Connect = std::function<asio::awaitable<AnyListener::Accepted>()>;

  explicit HttpReverseProxy(Connect connect, HttpReverseProxyOptions options = {});
  ~HttpReverseProxy();
  asio::awaitable<void> operator()(HttpExchange& exchange);

 private:
  struct Upload;
  using Opened = std::unique_ptr<HttpUpstream>;

  asio::awaitable<std::error_code> pass(HttpExchange& exchange, HttpUpstream& origin);
  static asio::awaitable<std::error_code> pass_answer(HttpExchange& exchange, HttpUpstream& origin);
  static asio::awaitable<std::error_code> pass_content(HttpExchange& exchange, HttpUpstream& origin,
                                                       HttpResponse response);
  static asio::awaitable<std::error_code> pass_upgrade(HttpExchange& exchange, HttpUpstream& origin,
                                                       const HttpResponse& response);
  std::string target_for(const HttpRequest& request) const;
  FieldList fields_for(const HttpRequest& request) const;

  Connect connect_;
  HttpReverseProxyOptions options_;
  std::vector<Opened> idle_;  // used last: at the end
};

}  // namespace handfast::io
