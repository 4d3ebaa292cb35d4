// The files of a directory, as a handler.
#pragma once

#include <string>
#include <vector>

#include "base/types.hpp"
#include "http/message.hpp"
#include "http/range.hpp"
#include "io/file_tree.hpp"
#include "io/http_exchange.hpp"

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

/// A directory (GET and HEAD): files, index.html, else a listing. Hidden names (".x") are neither
/// listed nor served, and no name leads out of the directory (file_tree.hpp). Files are read with
/// pread() in the executor's thread: a local disk is taken for fast enough.
/// A handler: `HttpServer(listener, std::ref(directory))`.
class HttpDirectory {
 public:
  explicit HttpDirectory(FileTree tree) : tree_(std::move(tree)) {}
  asio::awaitable<void> operator()(HttpExchange& exchange) const;
  /// What that answers.
  HttpReply find(const http::Request& request) const;

  static constexpr u32 names_max = 10'000;  // in a listing

 private:
  HttpReply find_directory(const std::string& path, const http::Request& request,
                           const TreeEntry& directory) const;

  FileTree tree_;
};

}  // namespace handfast::io
