// An HTTP server on any listener: io::TcpListener over our own stack, io::KernelListener over the
// kernel's, io::TlsListener over either. One coroutine a connection, all on the listener's
// executor.
#pragma once

#include <list>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/steady_timer.hpp>

#include "io/http_service.hpp"
#include "io/http_session.hpp"
#include "io/stream_of.hpp"

namespace handfast::io {

template <class Listener>
class HttpServer {
 public:
  using Stream = typename StreamOf<Listener>::Stream;

  /// `listener` listens already. `site` must outlive this, and this must outlive run().
  HttpServer(Listener listener, HttpSite& site, HttpServerOptions options = {})
      : listener_(std::move(listener)),
        service_(site, std::move(options)),
        changed_(listener_.get_executor(), asio::steady_timer::time_point::max()) {}

  /// Serves until stop(), then ends when the last connection has.
  asio::awaitable<void> run() {
    while (!service_.stopping) {
      if (sessions_.size() >= service_.options().connections_max) {
        co_await wait_for_change();
        continue;
      }
      std::error_code error;
      auto stream =
          co_await listener_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (service_.stopping) break;
      if (!error) {
        begin(stream_of(listener_, std::move(stream)));
      } else if (error == asio::error::operation_aborted) {
        break;
      } else {
        co_await pause();  // out of descriptors or memory: others must end first
      }
    }
    while (!sessions_.empty()) co_await wait_for_change();
  }

  /// No more connections; those that wait for a request end, the others after their answer.
  void stop() {
    service_.stopping = true;
    listener_.close();
    changed_.cancel();
    for (Session& session : sessions_) session.stop();
  }
  /// As stop(), but nobody gets the rest of an answer.
  void abort() {
    stop();
    for (Session& session : sessions_) session.abort();
  }

  void on_access(std::function<void(const HttpAccess&)> told) {
    service_.on_access(std::move(told));
  }
  const HttpServerCounters& counters() { return service_.counters(); }
  wire::Endpoint local_endpoint() const { return listener_.local_endpoint(); }

 private:
  using Session = HttpSession<Stream>;

  void begin(Stream stream) {
    ++service_.counters().connections;
    ++service_.counters().connections_open;
    const auto session = sessions_.emplace(sessions_.end(), std::move(stream), service_);
    asio::co_spawn(listener_.get_executor(), session->run(),
                   [this, session](const std::exception_ptr&) {
                     sessions_.erase(session);
                     --service_.counters().connections_open;
                     changed_.cancel();
                   });
  }

  asio::awaitable<void> wait_for_change() {
    std::error_code ignored;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::awaitable<void> pause() {
    asio::steady_timer timer(listener_.get_executor(), std::chrono::milliseconds(100));
    std::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  Listener listener_;
  HttpService service_;
  std::list<Session> sessions_;
  asio::steady_timer changed_;  // never expires: cancelled when a session ends
};

}  // namespace handfast::io
