#include "http/content_coding.hpp"

#include <optional>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

/// RFC 9110 §12.4.2: "0.5" in thousandths; what is no weight counts as none.
u32 parse_weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  u32 weight = text[0] == '1' ? 1000 : 0;
  u32 unit = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return 0;
    weight += unit * to<u32>(c - '0');
    unit /= 10;
  }
  return weight > 1000 ? 0 : weight;
}

struct Wish {
  std::string_view coding;
  u32 weight = 1000;
};

Wish parse_wish(std::string_view item) {
  const auto end = item.find(';');
  Wish wish{trim(item.substr(0, end)), 1000};
  if (end == item.npos) return wish;
  const std::string_view parameter = trim(item.substr(end + 1));
  const auto equals = parameter.find('=');
  if (equals != parameter.npos && equals_ignoring_case(trim(parameter.substr(0, equals)), "q"))
    wish.weight = parse_weight(trim(parameter.substr(equals + 1)));
  return wish;
}

bool names(std::string_view text, Coding coding) {
  // RFC 9110 §8.4.1.3: "x-gzip" is "gzip".
  return equals_ignoring_case(text, to_string(coding)) ||
         (coding == Coding::gzip && equals_ignoring_case(text, "x-gzip"));
}

}  // namespace

std::string_view to_string(Coding coding) {
  constexpr std::array<std::string_view, 4> texts{"identity", "gzip", "br", "zstd"};
  return texts[to<u8>(coding)];
}

std::string_view file_extension(Coding coding) {
  constexpr std::array<std::string_view, 4> texts{"", ".gz", ".br", ".zst"};
  return texts[to<u8>(coding)];
}

u32 weight_of(Coding coding, Fields fields) {
  std::optional<u32> named;
  std::optional<u32> any;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, "accept-encoding")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const auto comma = std::min(rest.find(','), rest.size());
      const Wish wish = parse_wish(rest.substr(0, comma));
      if (names(wish.coding, coding)) named = wish.weight;
      if (wish.coding == "*") any = wish.weight;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (named) return *named;
  if (coding != Coding::identity) return any.value_or(0);
  return any == 0u ? 0 : 1;
}

}  // namespace handfast::http
