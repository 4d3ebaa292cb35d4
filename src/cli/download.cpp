#include "cli/download.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "cli/terminal.hpp"

namespace handfast::cli {

namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

/// A terminal that shows the content has no place for a bar.
int progress_fd(const std::string& path, bool quiet) {
  if (quiet || !is_terminal(STDERR_FILENO)) return -1;
  return path == "-" && is_terminal(STDOUT_FILENO) ? -1 : STDERR_FILENO;
}

}  // namespace

Download::Download(std::string path, bool quiet)
    : path_(std::move(path)), progress_(progress_fd(path_, quiet)) {}

bool Download::on_head(const http::Response& response, std::optional<u64> length) {
  length_ = length;
  if (response.status >= 400) return false;
  if (is_stdout()) return true;
  file_ = link::Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file_) open_error_ = last_error();
  return true;
}

std::error_code Download::on_content(Bytes bytes) {
  if (open_error_) return open_error_;
  const std::error_code error = write(bytes);
  progress_.update(written_, length_);
  return error;
}

std::error_code Download::write(Bytes bytes) {
  const int fd = is_stdout() ? STDOUT_FILENO : file_.get();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_error();
    written_ += to<u64>(n);
    bytes = bytes.subspan(to<std::size_t>(n));
  }
  return {};
}

std::error_code Download::finish() {
  progress_.clear();
  if (open_error_) return open_error_;
  // Some file systems (NFS, quotas) tell only now that they had no room.
  if (file_ && ::close(::dup(file_.get())) != 0) return last_error();
  return {};
}

}  // namespace handfast::cli
