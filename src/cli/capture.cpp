#include "cli/capture.hpp"

#include <cerrno>
#include <cstring>

#include "cli/command.hpp"

namespace handfast::cli {

namespace {
constexpr std::size_t write_bytes = 64u << 10;  // at a time
}

Capture::Capture(std::string path, std::string_view host_name, trace::LinkType link_type, u64 epoch)
    : path_(std::move(path)),
      file_(std::fopen(path_.c_str(), "wbe")),
      writer_("handfast", epoch),
      sink_(writer_, {.name = host_name, .link_type = link_type}) {
  if (!file_) throw Failure("cannot write the capture", path_, std::strerror(errno));
}

void Capture::on(Instant now, const trace::Event& event) {
  sink_.on(now, event);
  if (writer_.ready().size() >= write_bytes) write();
}

void Capture::add_secret(const std::string& line) {
  writer_.secrets(trace::PcapngWriter::Secrets::tls_key_log, line + "\n");
}

void Capture::write() {
  const Bytes bytes = writer_.ready();
  if (error_ == 0 && std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    error_ = errno;
  writer_.consume(to<u32>(bytes.size()));
}

void Capture::finish() {
  if (!file_) return;
  writer_.flush();
  write();
  if (std::fclose(file_.release()) != 0 && error_ == 0) error_ = errno;
  if (error_ != 0) throw Failure("the capture is incomplete", path_, std::strerror(error_));
}

}  // namespace handfast::cli
