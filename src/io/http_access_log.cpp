#include "io/http_access_log.hpp"

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace handfast::io {
namespace {

/// Between quotes, with a backslash before those and itself; what is no printable ASCII as `prefix`
/// and hexadecimal digits.
std::string escaped(std::string_view text, std::string_view prefix, int digits) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = to<u8>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (byte < 0x20 || byte >= 0x7f)
      out += fmt::format("{}{:0{}x}", prefix, byte, digits);
    else
      out += c;
  }
  return out + '"';
}

/// httpd's way.
std::string quoted(std::string_view text) {
  return text.empty() ? "\"-\"" : escaped(text, "\\x", 2);
}

/// RFC 8259 §7; bytes that are no UTF-8 for sure are taken as Latin-1.
std::string json_text(std::string_view text) { return escaped(text, "\\u", 4); }

std::string version_of(const HttpRequest& request) {
  if (request.major_version >= 2) return fmt::format("HTTP/{}", request.major_version);
  return fmt::format("HTTP/{}.{}", request.major_version, request.minor_version);
}

std::string json_line(const HttpExchange& exchange, i64 unix_time, Duration took) {
  const HttpRequest& request = exchange.request();
  const auto field = [&](std::string_view name) {
    return json_text(request.fields.find(name).value_or(""));
  };
  return fmt::format(
      "{{\"time\":\"{:%Y-%m-%dT%H:%M:%SZ}\",\"client\":\"{}\",\"port\":{},\"scheme\":{},"
      "\"host\":{},\"method\":{},\"target\":{},\"version\":{},\"status\":{},\"bytes\":{},"
      "\"seconds\":{:.6f},\"complete\":{},\"referer\":{},\"user_agent\":{}}}\n",
      fmt::gmtime(unix_time), wire::to_string(request.client.address), request.client.port,
      json_text(request.scheme), json_text(request.authority), json_text(request.method),
      json_text(request.target), json_text(version_of(request)), exchange.status(),
      exchange.content_bytes(), std::chrono::duration<double>(took).count(), exchange.is_complete(),
      field("referer"), field("user-agent"));
}

}  // namespace

std::string access_line(const HttpExchange& exchange, AccessLogFormat format, i64 unix_time,
                        Duration took) {
  if (format == AccessLogFormat::json) return json_line(exchange, unix_time, took);
  const HttpRequest& request = exchange.request();
  const std::string start = request.method == "-"
                                ? ""
                                : request.method + " " + request.target + " " + version_of(request);
  std::string line = fmt::format("{} - - [{:%d/%b/%Y:%H:%M:%S} +0000] {} {} {}",
                                 wire::to_string(request.client.address), fmt::gmtime(unix_time),
                                 quoted(start), exchange.status(), exchange.content_bytes());
  if (format == AccessLogFormat::combined)
    for (const auto* name : {"referer", "user-agent"})
      line += " " + quoted(request.fields.find(name).value_or(""));
  return line + "\n";
}

}  // namespace handfast::io
