// Handlers that stand before others: virtual hosts, and the way from HTTP to HTTPS.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "io/http_exchange.hpp"

namespace handfast::io {

/// Chooses a handler by the host that a request is for (RFC 9110 §7.2). A handler itself:
/// `HttpServer(listener, std::ref(hosts))`.
class HttpHosts {
 public:
  /// For whom no other is.
  explicit HttpHosts(HttpHandler otherwise) : otherwise_(std::move(otherwise)) {}
  /// "www.example", or "*.example" for all names below that have none of their own.
  void add(std::string_view name, HttpHandler handler);

  asio::awaitable<void> operator()(HttpExchange& exchange) const {
    return find(exchange.request().authority)(exchange);
  }

 private:
  const HttpHandler& find(std::string_view authority) const;

  HttpHandler otherwise_;
  std::unordered_map<std::string, HttpHandler> hosts_;
};

/// "Example:8080" is the host "example"; an IPv6 address keeps its brackets.
std::string host_of(std::string_view authority);

/// Sends every request on to the same place over TLS, on `port`: 308, so that a method stays what
/// it is (RFC 9110 §15.4.9).
HttpHandler redirect_to_https(u16 port = 443);

}  // namespace handfast::io
