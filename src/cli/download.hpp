// Where `handfast get` puts what comes: a file or standard output, with a progress bar.
#pragma once

#include <optional>
#include <string>
#include <system_error>

#include "cli/progress.hpp"
#include "io/file_tree.hpp"
#include "io/http_fetch.hpp"

namespace handfast::cli {

class Download final : public io::HttpSink {
 public:
  /// `path` "-" is standard output. The file is only touched once there is content for it.
  Download(std::string path, bool quiet);

  bool on_head(const http::Response& response, std::optional<u64> length) override;
  std::error_code on_content(Bytes bytes) override;
  /// Everything came: makes sure that it is on its way to the disk.
  std::error_code finish();

  bool is_stdout() const { return path_ == "-"; }
  const std::string& path() const { return path_; }
  u64 written() const { return written_; }
  ProgressBar& progress() { return progress_; }

 private:
  std::error_code write(Bytes bytes);

  std::string path_;
  link::Descriptor file_;
  std::error_code open_error_;
  ProgressBar progress_;
  u64 written_ = 0;
  std::optional<u64> length_;
};

}  // namespace handfast::cli
