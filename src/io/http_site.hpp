// The files of a directory, as a handler.
#pragma once

#include <string>
#include <vector>

#include "base/types.hpp"
#include "http/content_coding.hpp"
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
  http::Coding coding = http::Coding::identity;  // Content-Encoding
  bool is_packed_here = false;                   // the file is not of this coding: it becomes so
  bool varies = false;                           // another Accept-Encoding might get another coding
};

struct HttpDirectoryOptions {
  bool lists = true;  // directories without index.html
  /// What stands beside a file as file.br, file.zst or file.gz is sent in its place to who takes
  /// that coding (RFC 9110 §12.5.3).
  bool takes_packed_files = true;
  /// Files of types that get smaller (http::is_compressible) are packed while they are sent, where
  /// their size is in these limits; a request for a range gets the bytes of the file itself.
  bool packs = true;
  u64 packed_bytes_min = 1024;
  u64 packed_bytes_max = 16u << 20;
};

/// A directory (GET and HEAD): files, index.html, else a listing. Hidden names (".x") are neither
/// listed nor served, and no name leads out of the directory (file_tree.hpp). Files are read with
/// pread() in the executor's thread: a local disk is taken for fast enough.
/// A handler: `HttpServer(listener, std::ref(directory))`.
class HttpDirectory {
 public:
  explicit HttpDirectory(FileTree tree, const HttpDirectoryOptions& options = {})
      : tree_(std::move(tree)), options_(options) {}
  asio::awaitable<void> operator()(HttpExchange& exchange) const;
  /// What that answers.
  HttpReply find(const http::Request& request) const;

  static constexpr u32 names_max = 10'000;  // in a listing

 private:
  HttpReply find_directory(const std::string& path, const http::Request& request,
                           const TreeEntry& directory) const;

  HttpReply find_file(const http::Request& request, const std::string& path, TreeEntry entry) const;
  /// The best of the file's codings for the client: changes `entry` to a file of that coding, or
  /// has the reply packed.
  void choose_coding(HttpReply& reply, const http::Request& request, const std::string& path,
                     TreeEntry& entry) const;

  FileTree tree_;
  HttpDirectoryOptions options_;
};

}  // namespace handfast::io
