// RFC 9110 §5.6.7.
#include "http/date.hpp"

#include <algorithm>
#include <chrono>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr i64 day_seconds = 86400;

template <int digits>
void put(char* at, u32 value) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = to<char>('0' + value % 10);
}

/// The digits of `text` as a number; -1 where one is none.
i64 number(std::string_view text) {
  i64 value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

DateText format_date(i64 unix_seconds) {
  // Years of four digits only: 0000 to 9999.
  unix_seconds = std::clamp<i64>(unix_seconds, -62'135'596'800, 253'402'300'799);
  i64 days = unix_seconds / day_seconds;
  i64 seconds = unix_seconds % day_seconds;
  if (seconds < 0) {
    seconds += day_seconds;
    --days;
  }
  const std::chrono::sys_days at{std::chrono::days{days}};
  const std::chrono::year_month_day date{at};
  const u32 weekday = std::chrono::weekday{at}.c_encoding();

  DateText out;
  std::string_view("ddd, 00 mmm 0000 00:00:00 GMT").copy(out.data(), out.size());
  day_names.copy(out.data(), 3, std::size_t{weekday} * 3);
  put<2>(&out[5], unsigned{date.day()});
  month_names.copy(&out[8], 3, std::size_t{unsigned{date.month()} - 1} * 3);
  put<4>(&out[12], to<u32>(int{date.year()}));
  const u32 second = to<u32>(seconds);
  put<2>(&out[17], second / 3600);
  put<2>(&out[20], second / 60 % 60);
  put<2>(&out[23], second % 60);
  return out;
}

std::optional<i64> parse_date(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
    return std::nullopt;
  const auto month = month_names.find(text.substr(8, 3));
  if (month == month_names.npos || month % 3 != 0) return std::nullopt;
  const i64 day = number(text.substr(5, 2));
  const i64 year = number(text.substr(12, 4));
  const i64 hour = number(text.substr(17, 2));
  const i64 minute = number(text.substr(20, 2));
  const i64 second = number(text.substr(23, 2));
  if (day < 1 || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{to<int>(year)},
                                         std::chrono::month{to<u32>(month / 3 + 1)},
                                         std::chrono::day{to<u32>(day)}};
  if (!date.ok()) return std::nullopt;
  const i64 days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days * day_seconds + hour * 3600 + minute * 60 + second;
}

}  // namespace handfast::http
