#include "cli/help.hpp"

#include <string_view>

namespace handfast::cli {

namespace {

constexpr std::size_t line_width = 96;

/// `text` in lines of a column that begins at `indent`; the first is `begun` characters long.
std::string wrapped(std::string_view text, std::size_t begun, std::size_t indent) {
  std::string out;
  if (begun >= indent) {
    out += '\n';
    begun = 0;
  }
  out.append(indent - begun, ' ');
  const std::size_t room = line_width - indent;
  while (text.size() > room) {
    std::size_t cut = text.rfind(' ', room);
    if (cut == text.npos || cut == 0) cut = room;
    out.append(text.substr(0, cut)) += '\n';
    out.append(indent, ' ');
    text.remove_prefix(cut);
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
  return out.append(text) += '\n';
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string line = "  " + make_option_name(option, is_positional) + make_option_opts(option);
  const std::size_t begun = line.size();
  return line + wrapped(make_option_desc(option), begun, get_column_width());
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return "";
  return " " + option->get_type_name();
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  std::string text = option->get_description();
  if (option->get_type_size() != 0 && !option->get_default_str().empty())
    text += " [" + option->get_default_str() + "]";
  return text;
}

}  // namespace handfast::cli
