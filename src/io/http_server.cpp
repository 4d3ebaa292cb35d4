#include "io/http_server.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>

#include "io/http1_session.hpp"
#include "io/http2_session.hpp"
#include "tls/session.hpp"

namespace handfast::io {
namespace {

std::vector<std::unique_ptr<AnyListener>> list_of(std::unique_ptr<AnyListener> one) {
  std::vector<std::unique_ptr<AnyListener>> list;
  list.push_back(std::move(one));
  return list;
}

/// For whom the server has no place. RFC 9110 §15.6.4.
asio::awaitable<void> turn_away(HttpExchange& exchange) {
  const auto wait =
      std::chrono::ceil<std::chrono::seconds>(exchange.service().options().retry_after);
  HttpResponse response;
  response.status = 503;
  response.fields.add("Retry-After", std::to_string(wait.count()));
  response.fields.add("Content-Type", "text/html; charset=utf-8");
  const std::string page = error_page(503, "The server has as many clients as it takes.");
  co_await exchange.respond(response, page);
}

HttpServerOptions options_for_away(HttpServerOptions options) {
  constexpr Duration patience = 2s;
  options.keep_alive = false;
  options.idle_timeout = std::min(options.idle_timeout, patience);
  options.request_timeout = std::min(options.request_timeout, patience);
  return options;
}

}  // namespace

struct HttpServer::Session {
  std::unique_ptr<AnyStream> stream;
  HttpService& service;
  std::unique_ptr<HttpConnection> connection{};  // null during the handshake of TLS
};

HttpServer::HttpServer(std::vector<std::unique_ptr<AnyListener>> listeners, HttpHandler handler,
                       HttpServerOptions options)
    : service_(std::move(handler), std::move(options)),
      away_(turn_away, options_for_away(service_.options())),
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
    if (is_full()) {
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

bool HttpServer::is_full() const {
  const HttpServerOptions& options = service_.options();
  return sessions_.size() >= std::size_t{options.connections_max} + options.turned_away_max;
}

void HttpServer::begin(std::unique_ptr<AnyStream> stream) {
  const bool has_place = sessions_.size() < service_.options().connections_max;
  if (!has_place) ++service_.counters().turned_away;
  ++service_.counters().connections;
  ++service_.counters().connections_open;
  const auto executor = stream->get_executor();
  const auto session =
      sessions_.emplace(sessions_.end(), std::move(stream), has_place ? service_ : away_);
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
    ++(shaken.error ? service_.counters().handshakes_failed : service_.counters().handshakes);
    if (shaken.error) {
      stream.close();
      co_return;
    }
  }
  const bool offers_http2 = session.service.options().offers_http2;
  if (offers_http2 && stream.tls() != nullptr && stream.tls()->summary().protocol == "h2") {
    session.connection = std::make_unique<Http2Session>(stream, session.service);
    co_await session.connection->run();
    co_return;
  }
  auto http1 = std::make_unique<Http1Session>(stream, session.service);
  Http1Session& first = *http1;
  session.connection = std::move(http1);
  co_await first.run();
  if (first.http2_bytes().empty()) co_return;
  session.connection = std::make_unique<Http2Session>(stream, session.service, first.http2_bytes());
  co_await session.connection->run();
}

void HttpServer::stop() {
  service_.stopping = away_.stopping = true;
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
