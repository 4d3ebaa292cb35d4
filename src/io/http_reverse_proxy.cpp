#include "io/http_reverse_proxy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <fmt/format.h>

#include "http/grammar.hpp"
#include "io/relay.hpp"

namespace handfast::io {
namespace {

/// RFC 9110 §7.6.1: what is about a connection and not about the message. `fields` name more of it.
bool is_hop_by_hop(std::string_view name, http::Fields fields) {
  constexpr std::array<std::string_view, 9> known{
      "connection", "keep-alive", "proxy-connection", "proxy-authorization",
      "te",         "trailer",    "upgrade",          "transfer-encoding",
      "expect"};
  const auto is_it = [&](std::string_view one) { return http::equals_ignoring_case(one, name); };
  return std::ranges::any_of(known, is_it) || http::has_token(fields, "connection", name);
}

FieldList end_to_end(http::Fields fields) {
  FieldList kept;
  for (const http::Field& field : fields)
    if (!is_hop_by_hop(field.name, fields)) kept.add(field.name, field.value);
  return kept;
}

void append(FieldList& fields, std::string_view name, const std::string& value) {
  const auto before = fields.find(name);
  const std::string whole = before ? std::string(*before) + ", " + value : value;
  fields.set(name, whole);
}

bool offers_upgrade(const HttpRequest& request) {
  return http::Connection::offer_of(request.view()) == http::Connection::Offer::upgrade;
}

}  // namespace

/// The request's content on its way, beside the answer.
struct HttpReverseProxy::Upload {
  HttpExchange& exchange;
  HttpUpstream& origin;
  asio::steady_timer ended;  // never expires: cancelled when it is done
  std::error_code client_error{};
  bool is_done = false;
  bool is_unwanted = false;  // there is an answer already

  asio::awaitable<void> run(HttpPiece piece) {
    std::error_code error;
    while (!piece.error && !error && !piece.bytes.empty() && !is_unwanted) {
      error = co_await origin.write(piece.bytes);
      if (!error) piece = co_await exchange.read();
    }
    client_error = piece.error;
    if (!piece.error && !error && piece.bytes.empty()) co_await origin.finish(exchange.trailers());
    // No answer can be had to a part.
    if (client_error) origin.stream().cancel();
    is_done = true;
    ended.cancel();
  }
};

HttpReverseProxy::HttpReverseProxy(Connect connect, HttpReverseProxyOptions options)
    : connect_(std::move(connect)), options_(std::move(options)) {}

HttpReverseProxy::~HttpReverseProxy() = default;

asio::awaitable<void> HttpReverseProxy::operator()(HttpExchange& exchange) {
  std::error_code error;
  bool may_retry = true;
  while (std::exchange(may_retry, false)) {
    Opened origin;
    if (!idle_.empty()) {
      origin = std::move(idle_.back());
      idle_.pop_back();
      // It may have been closed meanwhile: then nothing is lost by asking again.
      may_retry = !exchange.request().has_content;
    } else {
      AnyListener::Accepted opened = co_await connect_();
      error = opened.error;
      if (!error)
        origin = std::make_unique<HttpUpstream>(std::move(opened.stream), options_.timeout);
    }
    if (!origin) break;
    error = co_await pass(exchange, *origin);
    may_retry = may_retry && error && !origin->has_answered() && exchange.status() == 0;
    if (!error && origin->can_continue() && idle_.size() < options_.idle_connections_max)
      idle_.push_back(std::move(origin));
  }
  // Where the request itself is broken, the server says so.
  if (!error || error == std::errc::operation_canceled || exchange.status() != 0) co_return;
  if (error == std::errc::timed_out)
    co_await exchange.respond_error(504, "The server behind this one took too long.");
  else
    co_await exchange.respond_error(502, "The server behind this one did not answer.");
}

/// operation_canceled: the request could not be read.
asio::awaitable<std::error_code> HttpReverseProxy::pass(HttpExchange& exchange,
                                                        HttpUpstream& origin) {
  const HttpRequest& request = exchange.request();
  HttpPiece first;
  // Before there can be an answer: this may send a 100.
  if (request.has_content) first = co_await exchange.read();
  if (first.error) co_return std::make_error_code(std::errc::operation_canceled);
  const FieldList fields = fields_for(request);
  std::error_code error = co_await origin.send_head(request.method, target_for(request), fields);
  if (!error && !request.has_content) error = co_await origin.finish({});
  if (error) co_return error;

  const auto executor = co_await asio::this_coro::executor;
  Upload upload{exchange, origin, asio::steady_timer(executor)};
  upload.ended.expires_at(asio::steady_timer::time_point::max());
  upload.is_done = !request.has_content;
  if (request.has_content)
    asio::co_spawn(executor, upload.run(first), [](const std::exception_ptr&) {});
  error = co_await pass_answer(exchange, origin);
  upload.is_unwanted = true;
  if (error) origin.stream().cancel();
  while (!upload.is_done) {
    std::error_code ignored;
    co_await upload.ended.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (upload.client_error && exchange.status() == 0)
    error = std::make_error_code(std::errc::operation_canceled);
  co_return error;
}

asio::awaitable<std::error_code> HttpReverseProxy::pass_answer(HttpExchange& exchange,
                                                               HttpUpstream& origin) {
  std::error_code error;
  while (!error) {
    HttpUpstream::Head head = co_await origin.read_head();
    if (head.error) co_return head.error;
    HttpResponse& response = head.response;
    if (response.status == 101) co_return co_await pass_upgrade(exchange, origin, response);
    if (response.status >= 200)
      co_return co_await pass_content(exchange, origin, std::move(response));
    const FieldList fields = end_to_end(response.fields.view());
    if (response.status > 101)
      error = co_await exchange.send_informational(response.status, fields.view());
  }
  co_return error;
}

asio::awaitable<std::error_code> HttpReverseProxy::pass_content(HttpExchange& exchange,
                                                                HttpUpstream& origin,
                                                                HttpResponse response) {
  response.fields = end_to_end(response.fields.view());
  response.fields.remove("content-length");
  append(response.fields, "Via", "1.1 handfast");
  std::error_code error = co_await exchange.send_head(response);
  HttpPiece piece;
  do {
    piece = co_await origin.read();
    if (!error && !piece.bytes.empty()) error = co_await exchange.write(piece.bytes);
  } while (!error && !piece.error && !piece.bytes.empty());
  if (!error && !piece.error) error = co_await exchange.finish(origin.trailers());
  co_return error ? error : piece.error;
}

asio::awaitable<std::error_code> HttpReverseProxy::pass_upgrade(HttpExchange& exchange,
                                                                HttpUpstream& origin,
                                                                const HttpResponse& response) {
  const HttpTunnel tunnel = co_await exchange.switch_protocols(response.fields.view());
  if (tunnel.error) co_return tunnel.error;
  origin.stream().expires_never();
  co_await relay(*tunnel.stream, tunnel.early, origin.stream(), origin.early());
  origin.stream().close();
  co_return std::error_code{};
}

std::string HttpReverseProxy::target_for(const HttpRequest& request) const {
  if (!request.target.starts_with(options_.prefix)) return request.target;
  const std::string target = options_.replacement + request.target.substr(options_.prefix.size());
  return target.starts_with('/') ? target : "/" + target;
}

FieldList HttpReverseProxy::fields_for(const HttpRequest& request) const {
  FieldList fields = end_to_end(request.fields.view());
  fields.set("Host", options_.authority.empty() ? request.authority : options_.authority);
  const std::string client = wire::to_string(request.client.address);
  append(fields, "X-Forwarded-For", client);
  fields.set("X-Forwarded-Proto", request.scheme);
  fields.set("X-Forwarded-Host", request.authority);
  // RFC 7239 §4 and §6.
  const std::string node = request.client.address.is_v4() ? client : "\"[" + client + "]\"";
  append(fields, "Forwarded",
         fmt::format("for={};host=\"{}\";proto={}", node, request.authority, request.scheme));
  append(fields, "Via",
         fmt::format("{}.{} handfast", request.major_version, request.minor_version));
  if (request.has_content && !request.content_length) fields.set("Transfer-Encoding", "chunked");
  if (offers_upgrade(request)) {
    fields.set("Connection", "upgrade");
    fields.set("Upgrade", *request.fields.find("upgrade"));
  }
  return fields;
}

}  // namespace handfast::io
