// A directory that is shown to strangers: no name leads out of it, neither by ".." nor by a
// symbolic link. Linux decides that while it opens (openat2 with RESOLVE_BENEATH), so a link that
// is swapped in between cannot win. Which links are followed is LinkPolicy's matter. Where openat2
// is not to be had (Linux before 5.6, some sandboxes) no link is followed at all.
#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "link/descriptor.hpp"

namespace handfast::io {

/// A regular file or a directory, open for reading.
struct TreeEntry {
  link::Descriptor fd;
  bool is_directory = false;
  u64 size = 0;               // bytes
  i64 modified = 0;           // seconds since 1970
  u32 modified_fraction = 0;  // and ns
};

struct TreeName {
  std::string name;
  bool is_directory = false;
  u64 size = 0;  // bytes
};

/// Which symbolic links are followed.
enum class LinkPolicy : u8 {
  none,
  inside,  // those that stay in the directory
  all,     // wherever they lead: whoever may write to the directory decides what is shown
};

class FileTree {
 public:
  /// Fails with not_a_directory, no_such_file_or_directory, permission_denied, …
  static Result<FileTree, std::error_code> open(const std::string& directory,
                                                LinkPolicy links = LinkPolicy::inside);

  /// `path` is relative to the directory; "" is the directory itself. Fails with
  /// cross_device_link where the path leads out, with operation_not_supported where it is neither
  /// a file nor a directory.
  Result<TreeEntry, std::error_code> find(const std::string& path) const;
  /// The names in a directory that find() gave, sorted, without hidden ones (".x") and without
  /// what cannot be shown: devices, sockets, links that lead out of it. At most `names_max`.
  Result<std::vector<TreeName>, std::error_code> list(const TreeEntry& directory,
                                                      u32 names_max) const;
  /// find() on a system without openat2.
  Result<TreeEntry, std::error_code> find_without_links(const std::string& path) const;

 private:
  FileTree(link::Descriptor root, LinkPolicy links) : root_(std::move(root)), links_(links) {}
  link::Descriptor root_;
  LinkPolicy links_;
};

/// Reads into all of `room` from `offset` on; less only at the end of the file.
Result<std::size_t, std::error_code> read_at(const link::Descriptor& file, MutBytes room,
                                             u64 offset);

}  // namespace handfast::io
