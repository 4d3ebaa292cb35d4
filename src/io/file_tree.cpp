#include "io/file_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace handfast::io {
namespace {

// Not blocking: opening a FIFO must not wait for its writer.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

std::error_code last_error() { return {errno, std::generic_category()}; }

int open_beneath(int root, const char* path, int flags, LinkPolicy links) {
  open_how how{};
  how.flags = to<u64>(flags);
  how.resolve = RESOLVE_NO_MAGICLINKS;
  if (links != LinkPolicy::all) how.resolve |= RESOLVE_BENEATH;
  if (links == LinkPolicy::none) how.resolve |= RESOLVE_NO_SYMLINKS;
  return to<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
}

Result<TreeEntry, std::error_code> describe(link::Descriptor fd) {
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return failure(last_error());
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
    return failure(make_error_code(std::errc::operation_not_supported));
  TreeEntry entry;
  entry.fd = std::move(fd);
  entry.is_directory = S_ISDIR(status.st_mode);
  entry.size = to<u64>(status.st_size);
  entry.modified = status.st_mtim.tv_sec;
  entry.modified_fraction = to<u32>(status.st_mtim.tv_nsec);
  return entry;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

Result<FileTree, std::error_code> FileTree::open(const std::string& directory, LinkPolicy links) {
  link::Descriptor root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return failure(last_error());
  if (faccessat(root.get(), ".", R_OK | X_OK, 0) != 0) return failure(last_error());
  return FileTree(std::move(root), links);
}

Result<TreeEntry, std::error_code> FileTree::find(const std::string& path) const {
  link::Descriptor fd(
      open_beneath(root_.get(), path.empty() ? "." : path.c_str(), open_flags, links_));
  if (fd) return describe(std::move(fd));
  if (errno == ENOSYS || errno == EINVAL || errno == E2BIG) return find_without_links(path);
  // A socket file cannot be opened at all.
  if (errno == ENXIO) return failure(make_error_code(std::errc::operation_not_supported));
  return failure(last_error());
}

Result<TreeEntry, std::error_code> FileTree::find_without_links(const std::string& path) const {
  link::Descriptor at(openat(root_.get(), ".", open_flags | O_DIRECTORY));
  for (std::size_t begin = 0; at && begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string segment = path.substr(begin, end - begin);
    if (segment == "..") return failure(make_error_code(std::errc::cross_device_link));
    const bool is_last = end == path.size();
    if (!segment.empty())
      at = link::Descriptor(
          openat(at.get(), segment.c_str(), open_flags | O_NOFOLLOW | (is_last ? 0 : O_DIRECTORY)));
    begin = end + 1;
  }
  if (!at) return failure(last_error());
  return describe(std::move(at));
}

Result<std::vector<TreeName>, std::error_code> FileTree::list(const TreeEntry& directory,
                                                              u32 names_max) const {
  // A descriptor of its own: reading a directory moves the descriptor's position.
  const int fd = openat(directory.fd.get(), ".", open_flags | O_DIRECTORY);
  if (fd < 0) return failure(last_error());
  const std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(fd));
  if (!stream) {
    const std::error_code error = last_error();
    close(fd);
    return failure(error);
  }
  std::vector<TreeName> names;
  while (const dirent* found = readdir(stream.get())) {
    if (found->d_name[0] == '.') continue;
    if (names.size() == names_max) break;
    struct stat status{};
    if (fstatat(fd, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    // Only a link that find() would follow is shown; as in find(), from this directory down.
    if (S_ISLNK(status.st_mode)) {
      const link::Descriptor target(open_beneath(fd, found->d_name, O_PATH | O_CLOEXEC, links_));
      if (!target || fstat(target.get(), &status) != 0) continue;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
    names.push_back({found->d_name, S_ISDIR(status.st_mode), to<u64>(status.st_size)});
  }
  std::ranges::sort(names, {}, &TreeName::name);
  return names;
}

Result<std::size_t, std::error_code> read_at(const link::Descriptor& file, MutBytes room,
                                             u64 offset) {
  std::size_t done = 0;
  while (done < room.size()) {
    const ssize_t n =
        pread(file.get(), room.data() + done, room.size() - done, to<off_t>(offset + done));
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(last_error());
    done += to<std::size_t>(n);
  }
  return done;
}

}  // namespace handfast::io
