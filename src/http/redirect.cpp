// RFC 9110 §15.4.
#include "http/redirect.hpp"

#include <algorithm>
#include <array>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

template <std::size_t size>
bool is_among(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

/// §15.4.2 and §15.4.3: "a user agent MAY change the request method from POST to GET", as all do;
/// §15.4.4: 303 is "intended to provide an indirect response".
bool becomes_get(u16 status, std::string_view method) {
  if (status == 303) return method != "GET" && method != "HEAD";
  return (status == 301 || status == 302) && method == "POST";
}

}  // namespace

bool same_origin(const Url& a, const Url& b) {
  return a.is_secure == b.is_secure && a.port == b.port && equals_ignoring_case(a.host, b.host);
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> names{"GET",    "HEAD",    "PUT",
                                                  "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(names, method) != names.end();
}

Result<Redirect, Error> redirect(const Url& url, std::string_view method, u16 status,
                                 std::string_view location, bool may_downgrade) {
  auto next = resolve(url, location);
  if (!next) return failure(next.error());
  if (url.is_secure && !next->is_secure && !may_downgrade)
    return failure(Error{400, "it leads from https to http, where anybody can read and change it",
                         "RFC 9110 §15.4"});
  Redirect found{std::move(*next), std::string(method)};
  found.leaves_origin = !same_origin(url, found.url);
  if (becomes_get(status, method)) {
    found.method = "GET";
    found.keeps_content = false;
  }
  return found;
}

bool is_content_field(std::string_view name) {
  constexpr std::array<std::string_view, 8> names{
      "content-encoding", "content-language", "content-location", "content-type",
      "content-length",   "digest",           "last-modified",    "transfer-encoding"};
  return is_among(names, name);
}

bool is_origin_field(std::string_view name) {
  constexpr std::array<std::string_view, 6> names{
      "authorization", "cookie", "host", "origin", "referer", "proxy-authorization"};
  return is_among(names, name);
}

}  // namespace handfast::http
