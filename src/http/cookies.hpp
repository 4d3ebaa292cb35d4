// RFC 6265: cookies, as a user agent keeps them while it runs.
//
// Public suffixes are not known here. In their place: a domain of one label ("com") is refused, and
// an IP address is only ever itself.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "http/message.hpp"
#include "http/target.hpp"

namespace handfast::http {

/// §5.3: a cookie as it is stored. Times are seconds since 1970-01-01 UTC.
struct Cookie {
  static constexpr i64 session = std::numeric_limits<i64>::max();

  std::string name;
  std::string value;
  std::string domain;  // lower case, without a dot before it
  std::string path;
  i64 expires = session;
  bool is_host_only = true;
  bool is_secure = false;
  bool is_http_only = false;  // not for scripts, of which there are none here
};

class CookieJar {
 public:
  struct Config {
    u32 cookies_max = 1000;
    u32 cookies_domain_max = 50;
    u32 cookie_bytes_max = 4096;  // name and value
    u32 attribute_bytes_max = 1024;
  };
  CookieJar() = default;
  explicit CookieJar(const Config& config) : config_(config) {}

  /// Takes what the Set-Cookie field `text` of an answer from `url` asks for. False where it was
  /// ignored: malformed, too large, for another domain, or secure from where nothing is.
  bool set(const Url& url, std::string_view text, i64 now);
  /// The same for all Set-Cookie fields of a response.
  void set_all(const Url& url, Fields fields, i64 now);
  /// §5.4: the value of the Cookie field for `url`; empty: none.
  std::string cookies_for(const Url& url, i64 now);

  const std::vector<Cookie>& cookies() const { return cookies_; }

 private:
  void remove_expired(i64 now);
  void make_room(const std::string& domain);

  Config config_{};
  std::vector<Cookie> cookies_;  // in the order of their creation
};

/// §5.1.1: dates as servers have written them, in any of many forms. Seconds since 1970.
std::optional<i64> parse_cookie_date(std::string_view text);
/// §5.1.3. Both in lower case; `host` may be the text of an IP address.
bool domain_matches(std::string_view host, std::string_view domain);
/// §5.1.4.
bool path_matches(std::string_view request_path, std::string_view cookie_path);

}  // namespace handfast::http
