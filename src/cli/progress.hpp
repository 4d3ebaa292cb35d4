// How far a transfer has come, as one line of a terminal that is drawn again and again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/types.hpp"

namespace handfast::cli {

/// "104.9 MB"; "17 B".
std::string bytes_text(u64 bytes);

/// The line for `done` of `total` bytes after `seconds`, at most `columns` wide.
std::string progress_line(u64 done, std::optional<u64> total, double seconds, u32 columns);

/// Draws to a terminal, ten times a second, and only for what takes longer than a moment.
class ProgressBar {
 public:
  /// Without `fd` (-1) nothing is drawn.
  explicit ProgressBar(int fd) : fd_(fd) {}
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(u64 done, std::optional<u64> total);
  /// Takes the line away.
  void clear();
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  int fd_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
  bool is_drawn_ = false;
};

}  // namespace handfast::cli
