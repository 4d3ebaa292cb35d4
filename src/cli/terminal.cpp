#include "cli/terminal.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.hpp"

namespace handfast::cli {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

u32 terminal_columns(int fd) {
  constexpr u32 columns_default = 100;
  if (!is_terminal(fd)) return columns_default;
  const std::string columns{environment("COLUMNS")};
  if (!columns.empty() && columns.size() <= 4 &&
      columns.find_first_not_of("0123456789") == std::string::npos && columns != "0")
    return to<u32>(std::stoul(columns));
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return columns_default;
  return size.ws_col;
}

bool wants_color(ColorMode mode, int fd) {
  if (mode == ColorMode::always) return true;
  if (mode == ColorMode::never || !environment("NO_COLOR").empty()) return false;
  return is_terminal(fd) && environment("TERM") != "dumb";
}

void print(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(to<std::size_t>(n));
    } else if (errno == EPIPE) {
      std::_Exit(0);
    } else if (errno != EINTR) {
      throw Failure("cannot write", "standard output", std::strerror(errno));
    }
  }
}

}  // namespace handfast::cli
