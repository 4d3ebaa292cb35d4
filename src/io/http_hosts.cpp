#include "io/http_hosts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace handfast::io {

std::string host_of(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const bool is_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
  std::string host(is_port ? authority.substr(0, colon) : authority);
  if (host.ends_with('.')) host.pop_back();
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? to<char>(c - 'A' + 'a') : c; });
  return host;
}

void HttpHosts::add(std::string_view name, HttpHandler handler) {
  hosts_.insert_or_assign(host_of(name), std::move(handler));
}

const HttpHandler& HttpHosts::find(std::string_view authority) const {
  if (hosts_.empty()) return otherwise_;
  const std::string name = host_of(authority);
  if (const auto found = hosts_.find(name); found != hosts_.end()) return found->second;
  for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
    if (const auto found = hosts_.find("*" + name.substr(dot)); found != hosts_.end())
      return found->second;
  return otherwise_;
}

namespace {

asio::awaitable<void> send_to_https(HttpExchange& exchange, u16 port) {
  const HttpRequest& request = exchange.request();
  const std::string host = host_of(request.authority);
  if (host.empty() || !request.target.starts_with('/')) {
    co_await exchange.respond_error(400, "Which host is meant is not said.");
    co_return;
  }
  HttpResponse response;
  response.status = 308;
  const std::string where = port == 443 ? "" : fmt::format(":{}", port);
  response.fields.add("Location", fmt::format("https://{}{}{}", host, where, request.target));
  co_await exchange.respond(response, "");
}

}  // namespace

HttpHandler redirect_to_https(u16 port) {
  return [port](HttpExchange& exchange) { return send_to_https(exchange, port); };
}

}  // namespace handfast::io
