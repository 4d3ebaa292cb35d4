// What the subcommands of `handfast` share: how one is registered, how it ends, how it complains.
// Each subcommand lives in a file of its own; main.cpp lists them.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

namespace handfast::cli {

/// What the shell sees, as --help promises.
enum class Exit : int {
  ok = 0,
  failure = 1,  // it was asked for rightly and did not work
  usage = 2,    // it was asked for wrongly
};

/// Thrown by a subcommand that cannot go on. main() prints one line on stderr,
/// "handfast: what: where: what to do", and ends with `exit`. An empty part is left out.
class Failure : public std::exception {
 public:
  Failure(std::string what, std::string where, std::string advice, Exit exit = Exit::failure)
      : exit_(exit), line_("handfast: " + std::move(what)) {
    if (!where.empty()) line_ += ": " + std::move(where);
    if (!advice.empty()) line_ += ": " + std::move(advice);
  }
  const char* what() const noexcept override { return line_.c_str(); }
  Exit exit() const { return exit_; }

 private:
  Exit exit_;
  std::string line_;
};

/// Each adds its subcommand to `app`, with options, help and a callback that runs it. The callback
/// leaves its result in `exit` (which begins as ok) or throws Failure.
void add_demo(CLI::App& app, Exit& exit);
void add_serve(CLI::App& app, Exit& exit);
void add_get(CLI::App& app, Exit& exit);
void add_relay(CLI::App& app, Exit& exit);
void add_diagram(CLI::App& app, Exit& exit);
void add_ca(CLI::App& app, Exit& exit);

}  // namespace handfast::cli
