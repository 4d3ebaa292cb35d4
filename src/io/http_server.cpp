#include "io/http_server.hpp"

#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>

#include "io/http1_session.hpp"

namespace handfast::io {
namespace {

std::vector<std::unique_ptr<AnyListener>> list_of(std::unique_ptr<AnyListener> one) {
  std::vector<std::unique_ptr<AnyListener>> list;
  list.push_back(std::move(one));
  return list;
}

}  // namespace

struct HttpServer::Session {
  std::unique_ptr<AnyStream> stream;
  std::unique_ptr<HttpConnection> connection{};  // null during the handshake of TLS
};

HttpServer::HttpServer(std::vector<std::unique_ptr<AnyListener>> listeners, HttpHandler handler,
                       HttpServerOptions options)
    : service_(std::move(handler), std::move(options)),
      listeners_(std::move(listeners)),
      changed_(listeners_.front()->get_executor(), asio::steady_timer::time_point::max()) {}

HttpServer::HttpServer(std::unique_ptr<AnyListener> listener, HttpHandler handler,
                       HttpServerOptions options)
    : HttpServer(list_of(std::move(listener)), std::move(handler), std::move(options)) {}

HttpServer::~HttpServer() = default;

asio::awaitable<void> HttpServer::run() {
  for (const auto& listener : listeners_) {
    ++accepting_;
    asio::co_spawn(listener->get_executor(), accept(*listener), [this](const std::exception_ptr&) {
      --accepting_;
      changed_.cancel();
    });
  }
  while (accepting_ > 0 || !sessions_.empty()) co_await wait_for_change();
}

asio::awaitable<void> HttpServer::accept(AnyListener& listener) {
  while (!service_.stopping) {
    if (sessions_.size() >= service_.options().connections_max) {
      co_await wait_for_change();
      continue;
    }
    AnyListener::Accepted accepted = co_await listener.accept();
    if (service_.stopping || accepted.error == asio::error::operation_aborted) break;
    if (!accepted.error) {
      begin(std::move(accepted.stream));
    } else {
      // Out of descriptors or memory: others must end first.
      asio::steady_timer timer(listener.get_executor(), std::chrono::milliseconds(100));
      std::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }
}

void HttpServer::begin(std::unique_ptr<AnyStream> stream) {
  ++service_.counters().connections;
  ++service_.counters().connections_open;
  const auto executor = stream->get_executor();
  const auto session = sessions_.emplace(sessions_.end(), std::move(stream));
  asio::co_spawn(executor, serve(*session), [this, session](const std::exception_ptr&) {
    sessions_.erase(session);
    --service_.counters().connections_open;
    changed_.cancel();
  });
}

/// Which version of HTTP it is: a new one is plugged in here.
asio::awaitable<void> HttpServer::serve(Session& session) {
  AnyStream& stream = *session.stream;
  if (stream.tls() != nullptr) {
    stream.expires_after(service_.options().request_timeout);
    const Transferred shaken = co_await stream.handshake();
    if (shaken.error) {
      stream.close();
      co_return;
    }
  }
  session.connection = std::make_unique<Http1Session>(stream, service_);
  co_await session.connection->run();
}

void HttpServer::stop() {
  service_.stopping = true;
  for (const auto& listener : listeners_) listener->close();
  changed_.cancel();
  for (Session& session : sessions_) {
    if (session.connection)
      session.connection->stop();
    else
      session.stream->cancel();
  }
}

void HttpServer::abort() {
  stop();
  for (Session& session : sessions_)
    if (session.connection) session.connection->abort();
}

asio::awaitable<void> HttpServer::wait_for_change() {
  std::error_code ignored;
  co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace handfast::io
