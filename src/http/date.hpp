// RFC 9110 §5.6.7: dates. Seconds since 1970-01-01 UTC come from whoever owns a clock.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/types.hpp"

namespace handfast::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT".
using DateText = std::array<char, 29>;
DateText format_date(i64 unix_seconds);
inline std::string_view as_text(const DateText& date) { return {date.data(), date.size()}; }

/// Reads IMF-fixdate, the form that everything since 1995 sends; of the two obsolete forms none is
/// sent by clients that still exist, and for a conditional request an unread date is only a miss.
std::optional<i64> parse_date(std::string_view text);

}  // namespace handfast::http
