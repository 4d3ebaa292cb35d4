// RFC 9110 §15.4: where a redirection leads, and what of a request goes there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/error.hpp"
#include "http/target.hpp"

namespace handfast::http {

/// Of the statuses that name another place, those that a client follows by itself.
constexpr bool is_redirect(u16 status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Scheme, host and port (RFC 9110 §4.3.1): who may see what was meant for `a` alone.
bool same_origin(const Url& a, const Url& b);

/// Methods of which two do no more than one (RFC 9110 §9.2.2).
bool is_idempotent(std::string_view method);

struct Redirect {
  Url url;
  std::string method;
  bool keeps_content = true;
  bool leaves_origin = false;
};
/// What `location`, in a response with `status` to `method` for `url`, asks for. An Error's `why`
/// can be shown: the place is no URL, or was secure before and is not any more, which only
/// `may_downgrade` lets pass.
Result<Redirect, Error> redirect(const Url& url, std::string_view method, u16 status,
                                 std::string_view location, bool may_downgrade = false);

/// Fields that describe the request's content: they go where it goes (§15.4, step 2.4).
bool is_content_field(std::string_view name);
/// Fields that are meant for one origin: they stay there (§15.4, step 2.2 and 2.3).
bool is_origin_field(std::string_view name);

}  // namespace handfast::http
