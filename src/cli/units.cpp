#include "cli/units.hpp"

#include <array>
#include <utility>

namespace handfast::cli {

namespace {

/// A decimal number in millionths, and the unit behind it.
struct Number {
  u64 millionths = 0;
  std::string_view unit;
};

constexpr u64 million = 1'000'000;
constexpr u64 whole_max = 1'000'000'000'000;

std::optional<Number> read(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  Number number;
  std::size_t i = 0;
  u64 whole = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    whole = whole * 10 + to<u64>(text[i] - '0');
    if (whole > whole_max) return std::nullopt;
  }
  u64 fraction = 0;
  if (i < text.size() && text[i] == '.') {
    u64 place = million;
    const std::size_t first = ++i;
    for (; i < text.size() && is_digit(text[i]); ++i) {
      place /= 10;
      fraction += to<u64>(text[i] - '0') * place;
    }
    if (i == first || i - first > 6) return std::nullopt;
  }
  number.millionths = whole * million + fraction;
  number.unit = text.substr(i);
  return number;
}

/// The value in units of `factors`; none where the unit is unknown or the product too large.
template <std::size_t N>
std::optional<u64> scale(const Number& number,
                         const std::array<std::pair<std::string_view, u64>, N>& factors, u64 max) {
  __extension__ using Wide = unsigned __int128;
  for (const auto& [unit, factor] : factors) {
    if (unit != number.unit) continue;
    const Wide value = Wide{number.millionths} * factor / million;
    if (value > max) return std::nullopt;
    return to<u64>(value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, u64>, 6> factors{
      {{"ns", 1},
       {"us", 1'000},
       {"ms", 1'000'000},
       {"s", 1'000'000'000},
       {"m", 60'000'000'000},
       {"h", 3'600'000'000'000}}};
  if (text == "0") return Duration{};
  const auto number = read(text);
  if (!number) return std::nullopt;
  const auto ns = scale(*number, factors, 10'000 * factors.back().second);
  if (!ns) return std::nullopt;
  return Duration{to<i64>(*ns)};
}

std::optional<u64> parse_size(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, u64>, 12> factors{{{"", 1},
                                                                             {"B", 1},
                                                                             {"k", 1'000},
                                                                             {"K", 1'000},
                                                                             {"kB", 1'000},
                                                                             {"M", 1'000'000},
                                                                             {"MB", 1'000'000},
                                                                             {"G", 1'000'000'000},
                                                                             {"GB", 1'000'000'000},
                                                                             {"KiB", 1u << 10},
                                                                             {"MiB", 1u << 20},
                                                                             {"GiB", 1u << 30}}};
  const auto number = read(text);
  if (!number) return std::nullopt;
  return scale(*number, factors, whole_max);
}

std::optional<Ratio> parse_percentage(std::string_view text) {
  const auto number = read(text);
  constexpr u64 hundred = 100 * million;
  if (!number || number->unit != "%" || number->millionths > hundred) return std::nullopt;
  return Ratio{to<u32>(number->millionths), to<u32>(hundred)};
}

}  // namespace handfast::cli
