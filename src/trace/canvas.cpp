#include "trace/canvas.hpp"

#include <algorithm>
#include <ranges>

namespace handfast::trace {

namespace {

constexpr char32_t replacement = 0xfffd;

/// ECMA-48 SGR parameters.
constexpr std::string_view sgr(Style style) {
  switch (style) {
    case Style::plain: return "0";
    case Style::strong: return "1";
    case Style::faint: return "2";
    case Style::good: return "1;32";
    case Style::caution: return "33";
    case Style::bad: return "1;31";
  }
  return "0";
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](u32 shift) { out += to<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    out += to<char>(c);
  } else if (c < 0x800) {
    out += to<char>(0xc0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += to<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += to<char>(0xf0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

char to_ascii(char32_t c) {
  if (c < 0x80) return to<char>(c);
  constexpr std::u32string_view from = U"│─╌▶◀✗⋮…–µ×→←·§";
  constexpr std::string_view into = "|-.><x:.-ux><.S";
  static_assert(from.size() == into.size());
  const std::size_t at = from.find(c);
  return at == from.npos ? '?' : into[at];
}

}  // namespace

std::u32string widen(std::string_view utf8) {
  std::u32string text;
  for (std::size_t i = 0; i < utf8.size();) {
    const u8 lead = to<u8>(utf8[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    char32_t c = length == 1 ? lead : lead & (0x7fu >> length);
    bool is_good = length != 0 && i + length <= utf8.size();
    for (std::size_t k = 1; is_good && k < length; ++k) {
      const u8 next = to<u8>(utf8[i + k]);
      is_good = (next & 0xc0) == 0x80;
      c = (c << 6) | (next & 0x3fu);
    }
    if (is_good && c < 0x20) c = replacement;  // a control character would break the line
    text += is_good ? c : replacement;
    i += is_good ? length : 1;
  }
  return text;
}

void Line::put(u32 column, char32_t glyph, Style style) {
  if (column < cells_.size()) cells_[column] = {glyph, style};
}

void Line::put(u32 column, std::u32string_view text, Style style) {
  for (const char32_t c : text) put(column++, c, style);
}

void Line::fill(u32 from, u32 to, char32_t glyph, Style style) {
  for (u32 i = from; i < to; ++i) put(i, glyph, style);
}

void Line::append_to(std::string& out, bool color, bool ascii) const {
  const auto backwards = std::views::reverse(cells_);
  const auto last = std::ranges::find_if(backwards, [](const Cell& c) { return c.glyph != U' '; });
  Style current = Style::plain;
  for (auto cell = cells_.begin(); cell != last.base(); ++cell) {
    if (color && cell->style != current && cell->glyph != U' ') {
      if (current != Style::plain) out += "\x1b[0m";
      if (cell->style != Style::plain) out.append("\x1b[").append(sgr(cell->style)) += 'm';
      current = cell->style;
    }
    if (ascii) {
      out += to_ascii(cell->glyph);
    } else {
      append_utf8(out, cell->glyph);
    }
  }
  if (current != Style::plain) out += "\x1b[0m";
  out += '\n';
}

std::vector<std::u32string> wrap(std::u32string_view text, u32 width) {
  std::vector<std::u32string> lines;
  while (!text.empty()) {
    std::size_t length = text.size();
    std::size_t next = length;
    if (length > width) {
      const std::size_t space = text.rfind(U' ', width);
      const std::size_t colon = text.rfind(U':', width);  // of an address and its port
      const bool has_space = space != text.npos && space != 0;
      length = has_space ? space : colon != text.npos && colon != 0 ? colon : width;
      next = has_space ? space + 1 : length;
    }
    lines.emplace_back(text.substr(0, length));
    text.remove_prefix(next);
  }
  return lines;
}

}  // namespace handfast::trace
