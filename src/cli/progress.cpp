#include "cli/progress.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/terminal.hpp"

namespace handfast::cli {

namespace {

constexpr std::chrono::milliseconds patience{300};
constexpr std::chrono::milliseconds redraw{100};

void put(int fd, std::string_view text) {
  // A progress bar that cannot be drawn is no reason to stop.
  [[maybe_unused]] const ssize_t n = ::write(fd, text.data(), text.size());
}

}  // namespace

std::string bytes_text(u64 bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes) / 1000;
  std::string_view units = "kMGTPE";
  for (; size >= 999.95 && units.size() > 1; units.remove_prefix(1)) size /= 1000;
  return fmt::format("{:.1f} {}B", size, units.front());
}

std::string progress_line(u64 done, std::optional<u64> total, double seconds, u32 columns) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const std::string speed = bytes_text(static_cast<u64>(rate)) + "/s";
  if (!total || *total == 0)
    return fmt::format("{}  {}", bytes_text(done), speed).substr(0, columns);
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(*total));
  const u64 left = rate > 0 ? static_cast<u64>(static_cast<double>(*total - done) / rate) : 0;
  const std::string text =
      fmt::format(" {:3.0f}%  {} of {}  {}  {}:{:02} left", part * 100, bytes_text(done),
                  bytes_text(*total), speed, left / 60, left % 60);
  if (text.size() + 12 > columns) return text.substr(0, columns);
  const u32 width = std::min<u32>(40, columns - to<u32>(text.size()) - 2);
  const u32 filled = static_cast<u32>(part * width);
  return fmt::format("[{}{}]{}", std::string(filled, '#'), std::string(width - filled, '.'), text);
}

void ProgressBar::update(u64 done, std::optional<u64> total) {
  if (fd_ < 0) return;
  const auto now = Clock::now();
  if (now - begin_ < patience || now - drawn_ < redraw) return;
  drawn_ = now;
  is_drawn_ = true;
  put(fd_, "\r" + progress_line(done, total, seconds(), terminal_columns(fd_) - 1) + "\x1b[K");
}

void ProgressBar::clear() {
  if (std::exchange(is_drawn_, false)) put(fd_, "\r\x1b[K");
}

double ProgressBar::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

}  // namespace handfast::cli
