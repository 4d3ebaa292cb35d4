// RFC 3986: percent-encoding (§2.1), dot segments (§5.2.4), references (§5.2); RFC 9110 §4.2.
#include "http/target.hpp"

#include <charconv>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

Error bad(std::string_view why) { return {400, why}; }

constexpr u16 default_port(bool is_secure) { return is_secure ? 443 : 80; }

Result<std::string, Error> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return failure(bad("a broken escape in the path"));
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return failure(bad("a broken escape in the path"));
    const char byte = to<char>(high * 16 + low);
    if (byte == '\0' || byte == '/') return failure(bad("a forbidden escape in the path"));
    decoded += byte;
    i += 2;
  }
  return decoded;
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  out += '%';
  out += digits[to<u8>(c) >> 4];
  out += digits[to<u8>(c) & 15];
}

Result<u16, Error> parse_port(std::string_view text) {
  u16 port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return failure(bad("the port is not a number from 1 to 65535"));
  return port;
}

Result<void, Error> parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != authority.npos)
    return failure(bad("a user name in the URL is not supported"));
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == authority.npos) return failure(bad("an IPv6 address without its closing bracket"));
    url.is_ipv6_literal = true;
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && port[0] != ':') return failure(bad("text after the IPv6 address"));
  } else {
    url.host = authority.substr(0, authority.find(':'));
    port = authority.substr(url.host.size());
  }
  if (url.host.empty()) return failure(bad("the URL names no host"));
  const bool is_clean =
      url.is_ipv6_literal
          ? std::ranges::all_of(url.host,
                                [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; })
          : std::ranges::all_of(url.host,
                                [](char c) { return (is(char_unreserved, c) && c != '/'); });
  if (!is_clean) return failure(bad("the URL's host has a forbidden character"));
  if (port.size() <= 1) return {};  // "http://host:/" has the default port (RFC 3986 §3.2.3)
  const auto number = parse_port(port.substr(1));
  if (!number) return failure(number.error());
  url.port = *number;
  return {};
}

/// RFC 3986 §5.2.4, for a path that begins with "/". The query is not looked at.
std::string remove_dot_segments(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t next = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, next - at - 1);
    const bool is_last = next == path.size();
    if (segment == "..") out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/'));
    if (segment != "." && segment != "..") {
      out += '/';
      out += segment;
    } else if (is_last) {
      out += '/';
    }
    at = next;
  }
  if (out.empty()) out = "/";
  out += target.substr(path.size());
  return out;
}

/// Path and query as they are sent.
Result<std::string, Error> clean_target(std::string_view rest) {
  rest = rest.substr(0, rest.find('#'));
  std::string target = rest.starts_with('/') ? "" : "/";
  for (const char c : rest) {
    if (to<u8>(c) >= 0x80) {
      append_escape(target, c);
    } else if (is(char_target, c)) {
      target += c;
    } else {
      return failure(bad("a space or control character in the URL (write a space as %20)"));
    }
  }
  return remove_dot_segments(target);
}

}  // namespace

Result<std::string, Error> decode_path(std::string_view target) {
  if (!target.starts_with('/')) {
    const auto scheme_end = target.find("://");
    if (scheme_end == target.npos) return failure(bad("the request target is not a path"));
    const auto path = target.find_first_of("/?", scheme_end + 3);
    target = path == target.npos || target[path] == '?' ? "/" : target.substr(path);
  }
  target = target.substr(0, target.find('?'));

  std::string path;
  for (std::size_t at = 0; at < target.size();) {
    const std::size_t next = std::min(target.find('/', at + 1), target.size());
    const auto segment = percent_decode(target.substr(at + 1, next - at - 1));
    if (!segment) return failure(segment.error());
    if (*segment == "..") return failure(bad("the path has a segment \"..\""));
    if (!segment->empty() && *segment != ".") path += "/" + *segment;
    at = next;
  }
  if (target.ends_with('/') || target.ends_with("/.") || path.empty()) path += '/';
  return path;
}

std::string encode_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (is(char_unreserved, c)) {
      out += c;
    } else {
      append_escape(out, c);
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string Url::authority() const {
  std::string out = is_ipv6_literal ? "[" + host + "]" : host;
  if (port != default_port(is_secure)) out += ":" + std::to_string(port);
  return out;
}

std::string Url::text() const {
  return (is_secure ? "https://" : "http://") + authority() + target;
}

std::string Url::file_name() const {
  const auto path = decode_path(target);
  return path ? path->substr(path->rfind('/') + 1) : "";
}

Result<Url, Error> parse_url(std::string_view text) {
  const auto scheme_end = text.find("://");
  if (scheme_end == text.npos) return failure(bad("the URL has no scheme (write http://...)"));
  const std::string_view scheme = text.substr(0, scheme_end);
  Url url;
  url.is_secure = equals_ignoring_case(scheme, "https");
  if (!url.is_secure && !equals_ignoring_case(scheme, "http"))
    return failure(bad("the URL's scheme is not supported, only http and https"));
  url.port = default_port(url.is_secure);

  const std::string_view rest = text.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (const auto parsed = parse_authority(authority, url); !parsed) return failure(parsed.error());
  auto target = clean_target(rest.substr(authority.size()));
  if (!target) return failure(target.error());
  url.target = std::move(*target);
  return url;
}

Result<Url, Error> resolve(const Url& base, std::string_view reference) {
  const auto colon = reference.find(':');
  if (colon != reference.npos && reference.find_first_of("/?#") > colon)
    return parse_url(reference);
  if (reference.starts_with("//"))
    return parse_url((base.is_secure ? "https:" : "http:") + std::string(reference));

  const std::string_view old_path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string merged;
  if (reference.empty() || reference.starts_with('#')) {
    merged = base.target;
  } else if (reference.starts_with('/')) {
    merged = reference;
  } else if (reference.starts_with('?')) {
    merged = std::string(old_path) + std::string(reference);
  } else {
    merged = std::string(old_path.substr(0, old_path.rfind('/') + 1)) + std::string(reference);
  }
  auto target = clean_target(merged);
  if (!target) return failure(target.error());
  Url url = base;
  url.target = std::move(*target);
  return url;
}

}  // namespace handfast::http
