#include "io/http_router.hpp"

#include <algorithm>
#include <tuple>

#include "base/assert.hpp"
#include "http/target.hpp"

namespace handfast::io {
namespace {

/// The segments of a path that begins with "/"; "/a/" has two, of which the second is empty.
std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_named(std::string_view segment) { return segment.starts_with('{'); }
bool is_rest(std::string_view segment) { return segment.ends_with("...}"); }
std::string_view name_of(std::string_view segment) {
  segment.remove_prefix(1);
  segment.remove_suffix(is_rest(segment) ? 4 : 1);
  return segment;
}

/// What is tried first compares less.
std::pair<int, std::string_view> rank(std::string_view segment) {
  if (is_rest(segment)) return {2, {}};
  if (is_named(segment)) return {1, {}};
  return {0, segment};
}
bool is_before(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::ranges::lexicographical_compare(
      a, b, [](const auto& x, const auto& y) { return rank(x) < rank(y); });
}

}  // namespace

bool HttpRouter::Route::fits(const std::vector<std::string>& path) const {
  const bool has_rest = !segments.empty() && is_rest(segments.back());
  const std::size_t fixed = segments.size() - (has_rest ? 1 : 0);
  if (has_rest ? path.size() < fixed : path.size() != fixed) return false;
  for (std::size_t i = 0; i < fixed; ++i) {
    const bool matches = is_named(segments[i]) ? !path[i].empty() : segments[i] == path[i];
    if (!matches) return false;
  }
  return true;
}

const HttpHandler* HttpRouter::Route::handler(std::string_view method) const {
  const HttpHandler* any = nullptr;
  for (const auto& [own, handler] : handlers) {
    if (own == method) return &handler;
    if (own == "*" || (method == "HEAD" && own == "GET")) any = &handler;
  }
  return any;
}

std::string HttpRouter::Route::allowed() const {
  std::string list;
  for (const auto& [method, handler] : handlers) {
    list += (list.empty() ? "" : ", ") + method;
    if (method == "GET") list += ", HEAD";
  }
  return list;
}

void HttpRouter::add(std::string_view method, std::string_view pattern, HttpHandler handler) {
  ASSERT(pattern.starts_with('/'));
  std::vector<std::string> segments = split(pattern);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    ASSERT(is_named(segments[i]) == segments[i].ends_with('}'));
    ASSERT(!is_rest(segments[i]) || i + 1 == segments.size());
  }
  auto at = std::ranges::find(routes_, segments, &Route::segments);
  if (at == routes_.end()) {
    const auto behind = std::ranges::find_if(
        routes_, [&](const Route& route) { return is_before(segments, route.segments); });
    at = routes_.insert(behind, Route{std::move(segments), {}});
  }
  at->handlers.emplace_back(std::string(method), std::move(handler));
}

asio::awaitable<void> HttpRouter::operator()(HttpExchange& exchange) const {
  HttpRequest& request = exchange.request();
  const auto path = http::decode_path(request.target);
  if (!path) {
    co_await exchange.respond_error(path.error().status, path.error().why);
    co_return;
  }
  const std::vector<std::string> segments = split(*path);
  const auto route =
      std::ranges::find_if(routes_, [&](const Route& one) { return one.fits(segments); });
  if (route == routes_.end()) {
    co_await exchange.respond_error(404, "There is nothing of this name.");
    co_return;
  }
  const HttpHandler* handler = route->handler(request.method);
  if (handler == nullptr) {
    HttpResponse response;
    response.status = request.method == "OPTIONS" ? 204 : 405;
    response.fields.add("Allow", route->allowed());
    co_await exchange.respond(response, "");
    co_return;
  }
  for (std::size_t i = 0; i < route->segments.size(); ++i) {
    const std::string& segment = route->segments[i];
    if (!is_named(segment)) continue;
    std::string value;
    for (std::size_t j = i; j < (is_rest(segment) ? segments.size() : i + 1); ++j)
      value += (j == i ? "" : "/") + segments[j];
    request.parameters.emplace_back(name_of(segment), std::move(value));
  }
  co_await (*handler)(exchange);
}

}  // namespace handfast::io
