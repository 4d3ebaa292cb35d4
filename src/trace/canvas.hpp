// Lines of styled characters for a terminal, in UTF-8 or pure ASCII.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"

namespace handfast::trace {

enum class Style : u8 { plain, strong, faint, good, caution, bad };

/// Text as code points; what is no UTF-8 becomes U+FFFD. Each counts as one column.
std::u32string widen(std::string_view utf8);

/// One line of `width` cells. What is put beyond its end is cut off.
class Line {
 public:
  explicit Line(u32 width) : cells_(width) {}
  void put(u32 column, char32_t glyph, Style style = Style::plain);
  void put(u32 column, std::u32string_view text, Style style = Style::plain);
  /// The same glyph in [from, to).
  void fill(u32 from, u32 to, char32_t glyph, Style style = Style::plain);
  /// Appends the line without trailing spaces, and a line feed. `ascii`: whatever is not ASCII is
  /// replaced by what looks like it, one character for one.
  void append_to(std::string& out, bool color, bool ascii) const;

 private:
  struct Cell {
    char32_t glyph = U' ';
    Style style = Style::plain;
  };
  std::vector<Cell> cells_;
};

/// `text` in lines of at most `width` columns, broken at spaces where that is possible, else in
/// front of a colon.
std::vector<std::u32string> wrap(std::u32string_view text, u32 width);

}  // namespace handfast::trace
