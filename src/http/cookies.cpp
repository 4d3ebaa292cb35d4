// RFC 6265 §5: the user agent's part. Where RFC 6265bis is stricter, as browsers are (prefixes of
// names, secure cookies), so is this.
#include "http/cookies.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

/// Also of a name that only looks like one: neither has parents.
bool is_address(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return host.find(':') != host.npos || (!last.empty() && std::ranges::all_of(last, is_digit));
}

/// The number at the front of `text`, of `least` to `most` digits and no more, behind which
/// anything may stand.
std::optional<u32> take_digits(std::string_view& text, u32 least, u32 most) {
  u32 value = 0;
  u32 digits = 0;
  for (; digits < text.size() && digits <= most && is_digit(text[digits]); ++digits)
    value = value * 10 + to<u32>(text[digits] - '0');
  if (digits < least || digits > most) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

struct DateParts {
  std::optional<u32> hour, minute, second, day, month, year;

  /// §5.1.1, step 2: what one token tells.
  void take(std::string_view token) {
    if (!hour && take_time(token)) return;
    std::string_view rest = token;
    if (!day) {
      const auto number = take_digits(rest, 1, 2);
      if (number) {
        day = number;
        return;
      }
    }
    if (!month && token.size() >= 3) {
      constexpr std::string_view names = "janfebmaraprmayjunjulaugsepoctnovdec";
      const auto at = names.find(lower(token.substr(0, 3)));
      if (at != names.npos && at % 3 == 0) {
        month = to<u32>(at / 3 + 1);
        return;
      }
    }
    if (year) return;
    rest = token;
    year = take_digits(rest, 2, 4);
    if (year && *year >= 70 && *year <= 99) *year += 1900;
    if (year && *year <= 69) *year += 2000;
  }

  bool take_time(std::string_view token) {
    const auto hours = take_digits(token, 1, 2);
    if (!hours || !token.starts_with(':')) return false;
    token.remove_prefix(1);
    const auto minutes = take_digits(token, 1, 2);
    if (!minutes || !token.starts_with(':')) return false;
    token.remove_prefix(1);
    const auto seconds = take_digits(token, 1, 2);
    if (!seconds) return false;
    hour = hours;
    minute = minutes;
    second = seconds;
    return true;
  }
};

/// §5.1.1: delimiter.
bool is_date_delimiter(char c) {
  const u8 byte = to<u8>(c);
  return byte == 0x09 || (byte >= 0x20 && byte <= 0x2f) || (byte >= 0x3b && byte <= 0x40) ||
         (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/// §5.2.2: digits with perhaps a minus. Beyond all clocks: never ends.
std::optional<i64> expiry_of_age(std::string_view text, i64 now) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  constexpr i64 most = i64{400} * 86400;  // RFC 6265bis §5.5: no longer than that
  i64 age = 0;
  for (const char c : text) age = std::min(most, age * 10 + (c - '0'));
  return is_negative || age == 0 ? 0 : now + age;
}

std::string_view request_path(const Url& url) {
  return std::string_view(url.target).substr(0, url.target.find('?'));
}

/// §5.1.4: the directory of what was asked for.
std::string default_path(const Url& url) {
  const std::string_view path = request_path(url);
  const auto slash = path.rfind('/');
  return std::string(slash == 0 || slash == path.npos ? "/" : path.substr(0, slash));
}

struct Attributes {
  std::optional<std::string> domain;
  std::string path;
  std::optional<i64> expires;
  std::optional<i64> expires_by_age;  // the stronger one
  bool is_secure = false;
  bool is_http_only = false;
};

/// §5.2.1 to §5.2.6.
void take_attribute(Attributes& out, std::string_view name, std::string_view value, i64 now) {
  if (equals_ignoring_case(name, "expires")) {
    if (const auto date = parse_cookie_date(value)) out.expires = date;
  } else if (equals_ignoring_case(name, "max-age")) {
    if (const auto when = expiry_of_age(value, now)) out.expires_by_age = when;
  } else if (equals_ignoring_case(name, "domain")) {
    if (value.starts_with('.')) value.remove_prefix(1);
    if (!value.empty()) out.domain = lower(value);
  } else if (equals_ignoring_case(name, "path")) {
    out.path = value.starts_with('/') ? value : "";
  } else if (equals_ignoring_case(name, "secure")) {
    out.is_secure = true;
  } else if (equals_ignoring_case(name, "httponly")) {
    out.is_http_only = true;
  }
}

/// "name=value" at the front of `text`, which may be in quotation marks that belong to it.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) return {trim(text), {}};
  return {trim(text.substr(0, equals)), trim(text.substr(equals + 1))};
}

/// RFC 6265bis §4.1.3: names that promise how their cookie was set.
bool keeps_promise(const Cookie& cookie, bool has_path) {
  const std::string name = lower(cookie.name);
  if (name.starts_with("__secure-")) return cookie.is_secure;
  if (name.starts_with("__host-"))
    return cookie.is_secure && cookie.is_host_only && has_path && cookie.path == "/";
  return true;
}

bool is_clean(std::string_view text) {
  return all(char_value, text) && text.find(';') == text.npos;
}

}  // namespace

std::optional<i64> parse_cookie_date(std::string_view text) {
  DateParts parts;
  while (!text.empty()) {
    const auto begin = std::ranges::find_if_not(text, is_date_delimiter);
    const auto end = std::find_if(begin, text.end(), is_date_delimiter);
    if (begin != end) parts.take(std::string_view(begin, end));
    text = std::string_view(end, text.end());
  }
  if (!parts.hour || !parts.day || !parts.month || !parts.year) return std::nullopt;
  if (*parts.year < 1601 || *parts.hour > 23 || *parts.minute > 59 || *parts.second > 59)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{to<int>(*parts.year)},
                                         std::chrono::month{*parts.month},
                                         std::chrono::day{*parts.day}};
  if (!date.ok()) return std::nullopt;
  const i64 days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * 86400 + i64{*parts.hour} * 3600 + i64{*parts.minute} * 60 + *parts.second;
}

bool domain_matches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_address(host);
}

bool path_matches(std::string_view request_path, std::string_view cookie_path) {
  if (!request_path.starts_with(cookie_path)) return false;
  return request_path.size() == cookie_path.size() || cookie_path.ends_with('/') ||
         request_path[cookie_path.size()] == '/';
}

bool CookieJar::set(const Url& url, std::string_view text, i64 now) {
  const auto end = std::min(text.find(';'), text.size());
  const auto [name, value] = split(text.substr(0, end));
  if (name.empty() || text.substr(0, end).find('=') == text.npos || !is_clean(name) ||
      !is_clean(value) || name.size() + value.size() > config_.cookie_bytes_max)
    return false;
  Attributes attributes;
  for (text.remove_prefix(end); !text.empty();) {
    text.remove_prefix(1);
    const std::string_view one = text.substr(0, text.find(';'));
    text.remove_prefix(one.size());
    const auto [key, of] = split(one);
    if (of.size() <= config_.attribute_bytes_max) take_attribute(attributes, key, of, now);
  }

  Cookie cookie{std::string(name), std::string(value), lower(url.host),
                attributes.path.empty() ? default_path(url) : attributes.path};
  cookie.expires = attributes.expires_by_age.value_or(attributes.expires.value_or(Cookie::session));
  cookie.is_secure = attributes.is_secure;
  cookie.is_http_only = attributes.is_http_only;
  if (attributes.domain && *attributes.domain != cookie.domain) {
    if (!domain_matches(cookie.domain, *attributes.domain) ||
        attributes.domain->find('.') == std::string::npos)
      return false;
    cookie.domain = *attributes.domain;
    cookie.is_host_only = false;
  } else if (attributes.domain) {
    cookie.is_host_only = is_address(cookie.domain) || cookie.domain.find('.') == std::string::npos;
  }
  if ((cookie.is_secure && !url.is_secure) || !keeps_promise(cookie, !attributes.path.empty()))
    return false;

  const auto same = std::ranges::find_if(cookies_, [&](const Cookie& one) {
    return one.name == cookie.name && one.domain == cookie.domain && one.path == cookie.path &&
           one.is_host_only == cookie.is_host_only;
  });
  if (same != cookies_.end()) {
    // RFC 6265bis §5.7: what came by a secure way is not replaced by another.
    if (same->is_secure && !url.is_secure) return false;
    *same = std::move(cookie);  // in the old one's place: its creation counts (§5.3, step 11)
    remove_expired(now);
    return true;
  }
  if (cookie.expires <= now) return true;
  remove_expired(now);
  make_room(cookie.domain);
  cookies_.push_back(std::move(cookie));
  return true;
}

void CookieJar::set_all(const Url& url, Fields fields, i64 now) {
  for (const Field& field : fields)
    if (equals_ignoring_case(field.name, "set-cookie")) set(url, field.value, now);
}

std::string CookieJar::cookies_for(const Url& url, i64 now) {
  remove_expired(now);
  const std::string host = lower(url.host);
  std::vector<const Cookie*> found;
  for (const Cookie& cookie : cookies_) {
    const bool is_for_host =
        cookie.is_host_only ? host == cookie.domain : domain_matches(host, cookie.domain);
    if (is_for_host && path_matches(request_path(url), cookie.path) &&
        (url.is_secure || !cookie.is_secure))
      found.push_back(&cookie);
  }
  // §5.4: longer paths first, then what was created earlier.
  std::ranges::sort(found, [](const Cookie* a, const Cookie* b) {
    return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a < b;
  });
  std::string out;
  for (const Cookie* cookie : found)
    out += (out.empty() ? "" : "; ") + cookie->name + "=" + cookie->value;
  return out;
}

void CookieJar::remove_expired(i64 now) {
  std::erase_if(cookies_, [now](const Cookie& cookie) { return cookie.expires <= now; });
}

/// §5.3: the oldest goes, of a domain that has too many first.
void CookieJar::make_room(const std::string& domain) {
  const auto of_domain = [&](const Cookie& cookie) { return cookie.domain == domain; };
  if (std::ranges::count_if(cookies_, of_domain) >= i64{config_.cookies_domain_max})
    cookies_.erase(std::ranges::find_if(cookies_, of_domain));
  if (cookies_.size() >= config_.cookies_max) cookies_.erase(cookies_.begin());
}

}  // namespace handfast::http
