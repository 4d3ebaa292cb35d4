// `--pcap`: what a host sends and receives, as a pcapng file.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "trace/pcapng.hpp"

namespace handfast::cli {

class Capture final : public trace::Sink {
 public:
  /// Creates the file; throws Failure where it cannot. `epoch` is the wall-clock time of
  /// Instant{}, in ns since 1970.
  Capture(std::string path, std::string_view host_name, trace::LinkType link_type, u64 epoch);
  void on(Instant now, const trace::Event& event) override;
  /// A line of a key log: what the capture holds so far and later can be decrypted by it.
  void add_secret(const std::string& line);
  /// Writes what is left. Throws Failure where anything could not be written.
  void finish();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void write();

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  trace::PcapngWriter writer_;
  trace::PcapngSink sink_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace handfast::cli
