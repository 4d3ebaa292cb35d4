// What the program knows about where its output goes.
#pragma once

#include <string>

#include "base/types.hpp"

namespace handfast::cli {

enum class ColorMode { automatic, always, never };

/// Whether `fd` is a terminal.
bool is_terminal(int fd);
/// Columns of the terminal at `fd`; 100 where it is none or does not say. COLUMNS, if it is set to
/// a number, is believed first where `fd` is a terminal.
u32 terminal_columns(int fd);
/// Colour on a terminal only, never with a non-empty NO_COLOR (no-color.org) or TERM=dumb, unless
/// `mode` settles it.
bool wants_color(ColorMode mode, int fd);

/// Writes all of `text` to stdout. Throws Failure where it cannot; a reader that went away
/// (EPIPE, as with `| head`) ends the program quietly with success.
void print(const std::string& text);

}  // namespace handfast::cli
