// An HTTP server on any listeners: over our own stack, over the kernel's, with TLS or without. One
// coroutine a connection, all on the listeners' executor.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "io/any_stream.hpp"
#include "io/http_service.hpp"

namespace handfast::io {

class HttpServer {
 public:
  /// At least one listener, which all listen already. What `handler` refers to must outlive this,
  /// and this must outlive run().
  HttpServer(std::vector<std::unique_ptr<AnyListener>> listeners, HttpHandler handler,
             HttpServerOptions options = {});
  HttpServer(std::unique_ptr<AnyListener> listener, HttpHandler handler,
             HttpServerOptions options = {});
  ~HttpServer();

  /// Serves until stop(), then ends when the last connection has.
  asio::awaitable<void> run();
  /// No more connections; those that wait for a request end, the others after their answer.
  void stop();
  /// As stop(), but nobody gets the rest of an answer.
  void abort();

  /// `told` hears of each exchange when it is over.
  void on_access(std::function<void(const HttpExchange&)> told) {
    away_.on_access(told);
    service_.on_access(std::move(told));
  }
  const HttpServerCounters& counters() { return service_.counters(); }
  asio::any_io_executor get_executor() { return listeners_.front()->get_executor(); }

 private:
  struct Session;

  asio::awaitable<void> accept(AnyListener& listener);
  void begin(std::unique_ptr<AnyStream> stream);
  bool is_full() const;
  asio::awaitable<void> serve(Session& session);
  asio::awaitable<void> wait_for_change();

  HttpService service_;
  HttpService away_;  // for connections beyond connections_max
  std::vector<std::unique_ptr<AnyListener>> listeners_;
  std::list<Session> sessions_;
  std::size_t accepting_ = 0;   // coroutines
  asio::steady_timer changed_;  // never expires: cancelled when something ends
};

}  // namespace handfast::io
