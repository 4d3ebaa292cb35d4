// The characters of RFC 9110 §5.6 and RFC 3986 §2 as one table.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "base/types.hpp"

namespace handfast::http {

enum CharClass : u8 {
  char_token = 1,       // tchar
  char_value = 2,       // field-vchar, SP and HTAB
  char_target = 4,      // what a request target may hold: visible ASCII
  char_host = 8,        // uri-host and port, without user information
  char_unreserved = 16  // RFC 3986 §2.3, and "/"
};

namespace detail {
constexpr std::array<u8, 256> make_char_table() {
  std::array<u8, 256> table{};
  const auto mark = [&](std::string_view characters, u8 bits) {
    for (const char c : characters) table[to<u8>(c)] = to<u8>(table[to<u8>(c)] | bits);
  };
  constexpr std::string_view alphanumeric =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  mark(alphanumeric, char_token | char_host | char_unreserved);
  mark("!#$%&'*+-.^_`|~", char_token);
  mark("-._~/", char_unreserved);
  mark("-._~%!$&'()*+,;=:[]", char_host);
  for (u32 c = 0x21; c < 0x7f; ++c) table[c] = to<u8>(table[c] | char_value | char_target);
  for (u32 c = 0x80; c < 0x100; ++c) table[c] = to<u8>(table[c] | char_value);  // obs-text
  mark(" \t", char_value);
  return table;
}
inline constexpr std::array<u8, 256> char_table = make_char_table();
}  // namespace detail

constexpr bool is(CharClass wanted, char c) {
  return (detail::char_table[to<u8>(c)] & wanted) != 0;
}
constexpr bool all(CharClass wanted, std::string_view text) {
  return std::ranges::all_of(text, [=](char c) { return is(wanted, c); });
}
constexpr bool is_token(std::string_view text) { return !text.empty() && all(char_token, text); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? to<char>(c + ('a' - 'A')) : c; }
/// Names and tokens are compared so (RFC 9110 §5.1).
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  // Most are in the same case already.
  const auto same = [](char x, char y) { return x == y || to_lower(x) == to_lower(y); };
  return std::ranges::equal(a, b, same);
}

constexpr bool is_white_space(char c) { return c == ' ' || c == '\t'; }
/// `text` without the optional white space (OWS) around it.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace handfast::http
