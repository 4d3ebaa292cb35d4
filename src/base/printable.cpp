#include "base/printable.hpp"

#include "base/types.hpp"

namespace handfast {

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = to<u8>(c);
    if (c >= ' ' && c <= '~')
      out += c;
    else
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

}  // namespace handfast
