// Which handler a request is for: by its path's segments, then by its method.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/http_exchange.hpp"

namespace handfast::io {

/// A handler itself: `HttpServer(listener, std::ref(router))`.
class HttpRouter {
 public:
  /// `pattern` begins with "/". A segment "{name}" stands for any one segment, "{name...}" at the
  /// end for all that is left, also nothing; HttpRequest::parameter() has what it stood for. Where
  /// more than one pattern fits, the first segment that differs decides: a fixed one before a named
  /// one, that before the rest. `method` "*" is any method; GET answers HEAD too where HEAD has no
  /// handler of its own. An ASSERT fails on a pattern that is none.
  void add(std::string_view method, std::string_view pattern, HttpHandler handler);

  /// 404 where no pattern fits, 405 with Allow where none has the method; OPTIONS is answered with
  /// Allow where it has no handler.
  asio::awaitable<void> operator()(HttpExchange& exchange) const;

 private:
  struct Route {
    std::vector<std::string> segments;  // "x", "{name}", "{name...}"
    std::vector<std::pair<std::string, HttpHandler>> handlers;

    bool fits(const std::vector<std::string>& path) const;
    const HttpHandler* handler(std::string_view method) const;
    std::string allowed() const;
  };

  std::vector<Route> routes_;  // in the order in which they are tried
};

}  // namespace handfast::io
