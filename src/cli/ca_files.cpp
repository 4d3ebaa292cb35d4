#include "cli/ca_files.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "link/descriptor.hpp"

namespace handfast::cli {

namespace {

Failure cannot_write(const std::string& path) {
  return {"cannot write", path, std::generic_category().message(errno)};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// Under a name of its own at first, so that nobody reads half a file, and a key never stands in
/// one that others may read.
void write_aside(const std::string& path, const NewFile& file) {
  const mode_t mode = file.is_secret ? 0600 : 0644;
  const link::Descriptor fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) throw cannot_write(path);
  if (::fchmod(fd.get(), mode) == 0 && write_all(fd.get(), file.text)) return;
  const int error = errno;
  ::unlink(path.c_str());
  errno = error;
  throw cannot_write(path);
}

}  // namespace

std::string path_in(const std::string& directory, const std::string& name) {
  return std::filesystem::path(directory) / name;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

void write_files(const std::string& directory, const std::vector<NewFile>& files, bool force) {
  for (const NewFile& file : files) {
    const std::string path = path_in(directory, file.name);
    if (!force && exists(path))
      throw Failure("already there", path, "--force replaces it, --out gives it another name");
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw Failure("cannot make the directory", directory, error.message());
  std::vector<std::string> aside;
  try {
    for (const NewFile& file : files) {
      const std::string path = path_in(directory, "." + file.name + ".new");
      ::unlink(path.c_str());  // of a run that was killed
      write_aside(path, file);
      aside.push_back(path);
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string path = path_in(directory, files[i].name);
      if (::rename(aside[i].c_str(), path.c_str()) != 0) throw cannot_write(path);
    }
  } catch (const Failure&) {
    for (const std::string& path : aside) ::unlink(path.c_str());
    throw;
  }
}

}  // namespace handfast::cli
