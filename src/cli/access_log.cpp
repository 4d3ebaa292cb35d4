#include "cli/access_log.hpp"

#include <cerrno>
#include <map>
#include <system_error>

#include "cli/command.hpp"
#include "io/http_service.hpp"

namespace handfast::cli {

void add_options(CLI::App& command, AccessLogOptions& options) {
  command
      .add_option("--access-log", options.file,
                  "Append a line for each request to this file; SIGHUP opens it anew")
      ->type_name("FILE");
  command.add_option("--log-format", options.format, "common, combined or json. Default: combined")
      ->type_name("FORMAT")
      ->transform(CLI::CheckedTransformer(std::map<std::string, io::AccessLogFormat>{
                                              {"common", io::AccessLogFormat::common},
                                              {"combined", io::AccessLogFormat::combined},
                                              {"json", io::AccessLogFormat::json}})
                      .description(""));
}

AccessLog::AccessLog(AccessLogOptions options)
    : options_(std::move(options)), file_(std::fopen(options_.file.c_str(), "ae")) {
  if (!file_)
    throw Failure("cannot write the access log", options_.file,
                  std::generic_category().message(errno));
}

void AccessLog::write(const io::HttpExchange& exchange) {
  io::HttpService& service = exchange.service();
  const std::string line = io::access_line(exchange, options_.format, service.unix_time(),
                                           service.now() - exchange.began());
  std::fwrite(line.data(), 1, line.size(), file_.get());
}

void AccessLog::flush() { std::fflush(file_.get()); }

void AccessLog::reopen() {
  std::unique_ptr<std::FILE, CloseFile> opened(std::fopen(options_.file.c_str(), "ae"));
  if (opened) file_ = std::move(opened);
}

}  // namespace handfast::cli
