// What an HTTP server answers: the files of a directory, or whatever a test makes up. Knows nothing
// of connections.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "http/error.hpp"
#include "http/message.hpp"
#include "http/range.hpp"
#include "io/file_tree.hpp"

namespace handfast::io {

/// An answer whose content is `text`, or, where there is a `file`, the `parts` of it before `text`.
struct HttpReply {
  u16 status = 200;
  std::string content_type = "text/html; charset=utf-8";
  std::string text{};
  link::Descriptor file{};
  std::vector<http::Part> parts{};
  u64 length = 0;  // bytes of content; 304 has none
  std::string content_range{};
  i64 modified = -1;         // seconds since 1970; negative: unknown
  std::string entity_tag{};  // with its quotes
  std::string location{};
};

/// A short page that says what went wrong.
HttpReply error_reply(u16 status, std::string_view why);

/// Something that answers requests. Called in the server's executor; it must not block for long.
class HttpSite {
 public:
  virtual ~HttpSite() = default;
  /// `request` is valid during the call only.
  virtual HttpReply answer(const http::Request& request) = 0;
};

/// A directory (GET and HEAD): files, index.html, else a listing. Hidden names (".x") are neither
/// listed nor served, and no name leads out of the directory (file_tree.hpp). Files are read with
/// pread() in the executor's thread: a local disk is taken for fast enough.
class HttpDirectory final : public HttpSite {
 public:
  explicit HttpDirectory(FileTree tree) : tree_(std::move(tree)) {}
  HttpReply answer(const http::Request& request) override;

  static constexpr u32 names_max = 10'000;  // in a listing

 private:
  HttpReply answer_directory(const std::string& path, const http::Request& request,
                             const TreeEntry& directory);

  FileTree tree_;
};

}  // namespace handfast::io
