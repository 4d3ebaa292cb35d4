// Where `handfast get` puts what comes: a file or standard output, with a progress bar; and what it
// takes to go on with a file of which a part is there.
#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/progress.hpp"
#include "io/file_tree.hpp"
#include "io/http_fetch.hpp"

namespace handfast::cli {

class Download final : public io::HttpSink {
 public:
  struct Options {
    std::string path = "-";  // "-" is standard output
    bool is_quiet = false;
    bool shows_head = false;  // instead of content, of which there is none
    std::string resume{};     // "-": from the end of the file; or an offset
  };
  /// The file is only touched once there is content for it.
  explicit Download(Options options);

  /// Range and If-Range (RFC 9110 §13.1.5), or If-Unmodified-Since (§13.1.4), for what is missing;
  /// none where all is wanted.
  std::vector<io::HttpField> conditions() const;
  /// After an attempt that ended too early: goes on where it ended, if the server can be trusted to
  /// have the same still (a strong ETag, or a date), else from the beginning. False: neither can
  /// be, for standard output has taken a part.
  bool go_on(bool can_resume);
  /// The server has something else by now.
  void start_over();

  bool on_head(const http::Response& response, std::optional<u64> length) override;
  std::error_code on_content(Bytes bytes) override;
  /// Everything came: makes sure that it is on its way to the disk.
  std::error_code finish();

  /// 416: of how many bytes the server says that there are no more.
  std::optional<u64> length_without_more() const { return length_without_more_; }
  /// Why the answer is not the part that was asked for; empty where it is.
  const std::string& wrong_part() const { return wrong_part_; }
  u64 offset() const { return offset_; }  // where this attempt began
  bool shows_head() const { return options_.shows_head; }
  bool is_stdout() const { return options_.path == "-"; }
  const std::string& path() const { return options_.path; }
  u64 end() const { return end_; }          // of what is there
  u64 written() const { return written_; }  // in all attempts, without what was there before
  ProgressBar& progress() { return progress_; }

 private:
  void note_validators(const http::Response& response, bool is_part);
  bool check_part(const http::Response& response);
  std::error_code open();
  std::error_code write(Bytes bytes);
  std::error_code write_head(const http::Response& response);
  void recall_validators();
  void remember_validators() const;

  Options options_;
  ProgressBar progress_;
  link::Descriptor file_;
  std::error_code error_;
  u64 offset_ = 0;
  u64 end_ = 0;  // of the content so far
  u64 written_ = 0;
  std::optional<u64> length_;  // of the whole
  std::optional<u64> length_without_more_;
  std::string etag_;           // a strong one
  std::string last_modified_;  // or of the file, where that is all that is known
  std::string wrong_part_;
};

}  // namespace handfast::cli
