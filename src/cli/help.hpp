// --help in lines that fit a terminal, with defaults where there are any.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace handfast::cli {

class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace handfast::cli
