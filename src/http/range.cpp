// RFC 9110 §14.1 (ranges), §14.4 (Content-Range), §14.6 (multipart/byteranges).
#include "http/range.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

/// Takes the digits at the front of `text`. A number that is too large stands for a very large one.
std::optional<u64> take_number(std::string_view& text) {
  constexpr u64 most = std::numeric_limits<i64>::max();
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  u64 value = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1))
    value = std::min(most, std::min(value, most / 10) * 10 + to<u64>(text.front() - '0'));
  return value;
}

/// §14.1.1: first-pos "-" [ last-pos ], or "-" suffix-length. A range beyond the end is empty; none
/// where the text is no range.
std::optional<ByteRange> parse_range(std::string_view text, u64 length) {
  const auto first = take_number(text);
  if (!text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!text.empty() || (!first && !last) || (first && last && *last < *first)) return std::nullopt;
  if (!first) return ByteRange{length - std::min(*last, length), std::min(*last, length)};
  if (*first >= length) return ByteRange{};
  return ByteRange{*first, std::min(last.value_or(length), length - 1) - *first + 1};
}

}  // namespace

std::optional<std::vector<ByteRange>> requested_ranges(const Request& request, u64 length) {
  if (request.method != "GET" || count(request.fields, "range") != 1) return std::nullopt;
  std::string_view rest = *find(request.fields, "range");
  const auto equals = rest.find('=');
  if (equals == rest.npos || !equals_ignoring_case(rest.substr(0, equals), "bytes"))
    return std::nullopt;
  rest.remove_prefix(equals + 1);

  std::vector<ByteRange> ranges;
  u64 sum = 0;
  u32 asked = 0;
  for (bool is_last = false; !is_last;) {
    const auto comma = rest.find(',');
    is_last = comma == rest.npos;
    const std::string_view text = trim(rest.substr(0, comma));
    if (!is_last) rest.remove_prefix(comma + 1);
    if (text.empty()) continue;  // §5.6.1.2
    const auto range = parse_range(text, length);
    if (!range || ++asked > ranges_max) return std::nullopt;
    if (range->length == 0) continue;
    sum += range->length;
    ranges.push_back(*range);
  }
  // Overlapping ranges would make us send more than there is.
  if (asked == 0 || sum > length) return std::nullopt;
  return ranges;
}

std::string content_range(const ByteRange& range, u64 length) {
  return fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, length);
}

std::string unsatisfied_range(u64 length) { return fmt::format("bytes */{}", length); }

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view unit = "bytes ";
  if (!equals_ignoring_case(value.substr(0, unit.size()), unit)) return std::nullopt;
  value.remove_prefix(unit.size());
  ContentRange parsed;
  if (value.starts_with('*')) {
    value.remove_prefix(1);
  } else {
    const auto first = take_number(value);
    if (!first || !value.starts_with('-')) return std::nullopt;
    value.remove_prefix(1);
    const auto last = take_number(value);
    if (!last || *last < *first) return std::nullopt;
    parsed.range = {*first, *last - *first + 1};
  }
  if (!value.starts_with('/')) return std::nullopt;
  value.remove_prefix(1);
  if (value == "*") return parsed.range.length > 0 ? std::optional(parsed) : std::nullopt;
  parsed.length = take_number(value);
  if (!parsed.length || !value.empty()) return std::nullopt;
  if (parsed.range.length > 0 && parsed.range.first + parsed.range.length > *parsed.length)
    return std::nullopt;
  return parsed;
}

Multipart make_multipart(const std::vector<ByteRange>& ranges, u64 length,
                         std::string_view content_type, std::string_view boundary) {
  Multipart all;
  all.tail = fmt::format("\r\n--{}--\r\n", boundary);
  all.length = all.tail.size();
  for (const ByteRange& range : ranges) {
    all.parts.push_back({fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                     all.parts.empty() ? "" : "\r\n", boundary, content_type,
                                     content_range(range, length)),
                         range});
    all.length += all.parts.back().head.size() + range.length;
  }
  return all;
}

}  // namespace handfast::http
