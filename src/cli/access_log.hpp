// `--access-log`: a line for each request, in a file that may be moved away (SIGHUP opens it anew).
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "io/http_access_log.hpp"

namespace handfast::cli {

struct AccessLogOptions {
  std::string file{};
  io::AccessLogFormat format = io::AccessLogFormat::combined;
};
void add_options(CLI::App& command, AccessLogOptions& options);

class AccessLog {
 public:
  /// Throws Failure where the file cannot be opened.
  explicit AccessLog(AccessLogOptions options);
  void write(const io::HttpExchange& exchange);
  /// Lines are held for a moment: this is called about once a second.
  void flush();
  /// Where that fails, lines go on into the file as it was.
  void reopen();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  AccessLogOptions options_;
  std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace handfast::cli
