#include "cli/download.hpp"

#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "http/date.hpp"
#include "http/range.hpp"

namespace handfast::cli {

namespace {

/// Beside an unfinished file: what the server called this version of it.
constexpr const char* etag_attribute = "user.handfast.etag";
constexpr std::size_t etag_bytes_max = 255;

std::error_code last_error() { return {errno, std::generic_category()}; }

/// A terminal that shows the content has no place for a bar.
int progress_fd(const Download::Options& options) {
  if (options.is_quiet || options.shows_head || !is_terminal(STDERR_FILENO)) return -1;
  return options.path == "-" && is_terminal(STDOUT_FILENO) ? -1 : STDERR_FILENO;
}

u64 offset_of(const std::string& text) {
  u64 offset = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size())
    throw Failure("not an offset", "-C " + text,
                  "write a number of bytes, or - for the file's size", Exit::usage);
  return offset;
}

}  // namespace

Download::Download(Options options)
    : options_(std::move(options)), progress_(progress_fd(options_)) {
  if (options_.resume.empty()) return;
  if (options_.resume != "-") offset_ = offset_of(options_.resume);
  struct stat status{};
  if (!is_stdout() && ::stat(path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    if (options_.resume == "-") offset_ = to<u64>(status.st_size);
    last_modified_ = http::as_text(http::format_date(status.st_mtime));
    recall_validators();
  } else if (options_.resume == "-" && is_stdout()) {
    throw Failure("standard output has no size to go on from", "-C -", "name a file by -o or -O",
                  Exit::usage);
  }
  end_ = offset_;
}

void Download::recall_validators() {
  std::array<char, etag_bytes_max> room;
  const ssize_t n = ::getxattr(path().c_str(), etag_attribute, room.data(), room.size());
  if (n > 0) etag_.assign(room.data(), to<std::size_t>(n));
}

/// Where the file system has no place for it, the date must do.
void Download::remember_validators() const {
  if (etag_.empty() || etag_.size() > etag_bytes_max)
    ::fremovexattr(file_.get(), etag_attribute);
  else
    ::fsetxattr(file_.get(), etag_attribute, etag_.data(), etag_.size(), 0);
}

std::vector<io::HttpField> Download::conditions() const {
  if (offset_ == 0) return {};
  std::vector<io::HttpField> fields{{"Range", fmt::format("bytes={}-", offset_)}};
  if (!etag_.empty())
    fields.push_back({"If-Range", etag_});
  else if (!last_modified_.empty())
    fields.push_back({"If-Unmodified-Since", last_modified_});
  return fields;
}

bool Download::go_on(bool can_resume) {
  length_without_more_.reset();
  if (end_ == offset_) return true;  // nothing came
  if (can_resume && (!etag_.empty() || !last_modified_.empty())) {
    offset_ = end_;
    return true;
  }
  if (is_stdout()) return false;
  start_over();
  return true;
}

void Download::start_over() {
  offset_ = end_ = 0;
  etag_.clear();
  last_modified_.clear();
}

/// A part may leave out what the whole has told.
void Download::note_validators(const http::Response& response, bool is_part) {
  const auto etag = http::find(response.fields, "etag");
  if (etag || !is_part) etag_ = etag && etag->starts_with('"') ? *etag : "";
  const auto date = http::find(response.fields, "last-modified");
  if (date || !is_part) last_modified_ = date.value_or("");
}

/// RFC 9110 §14.4: only the part that was asked for may be joined to the others.
bool Download::check_part(const http::Response& response) {
  const auto field = http::find(response.fields, "content-range");
  const auto part = field ? http::parse_content_range(*field) : std::nullopt;
  if (!part || part->range.length == 0)
    wrong_part_ = "the server sends a part and does not say which";
  else if (part->range.first != offset_)
    wrong_part_ =
        fmt::format("the server sends a part from byte {} on, where byte {} was asked for",
                    part->range.first, offset_);
  else
    length_ = part->length;
  return wrong_part_.empty();
}

bool Download::on_head(const http::Response& response, std::optional<u64> length) {
  wrong_part_.clear();
  length_without_more_.reset();
  if (options_.shows_head) {
    error_ = write_head(response);
    return true;
  }
  if (response.status == 416)
    if (const auto field = http::find(response.fields, "content-range"))
      if (const auto part = http::parse_content_range(*field)) length_without_more_ = part->length;
  if (response.status >= 400) return false;
  const bool is_part = response.status == 206 && offset_ > 0;
  if (is_part && !check_part(response)) {
    error_ = std::make_error_code(std::errc::invalid_argument);
    return true;
  }
  if (!is_part) {
    if (offset_ > 0 && is_stdout() && written_ > 0) {
      wrong_part_ = "the server sends all of it again, of which a part is out already";
      error_ = std::make_error_code(std::errc::invalid_argument);
      return true;
    }
    offset_ = 0;
    length_ = length;
  }
  end_ = offset_;
  note_validators(response, is_part);
  error_ = is_stdout() ? std::error_code{} : open();
  return true;
}

std::error_code Download::open() {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (offset_ == 0 ? O_TRUNC : 0);
  file_ = link::Descriptor(::open(path().c_str(), flags, 0666));
  if (!file_) return last_error();
  struct stat status{};
  const bool is_file = ::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (!is_file) return {};
  if (offset_ > 0 && (::ftruncate(file_.get(), to<off_t>(offset_)) != 0 ||
                      ::lseek(file_.get(), to<off_t>(offset_), SEEK_SET) < 0))
    return last_error();
  remember_validators();
  return {};
}

std::error_code Download::on_content(Bytes bytes) {
  if (error_) return error_;
  error_ = write(bytes);
  progress_.update(end_, length_);
  return error_;
}

std::error_code Download::write(Bytes bytes) {
  const int fd = is_stdout() ? STDOUT_FILENO : file_.get();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_error();
    written_ += to<u64>(n);
    end_ += to<u64>(n);
    bytes = bytes.subspan(to<std::size_t>(n));
  }
  return {};
}

std::error_code Download::write_head(const http::Response& response) {
  std::string text = response.major_version == 1
                         ? fmt::format("HTTP/1.{} {} {}\n", response.minor_version, response.status,
                                       response.reason)
                         : fmt::format("HTTP/{} {}\n", response.major_version, response.status);
  for (const http::Field& field : response.fields)
    text += fmt::format("{}: {}\n", field.name, field.value);
  text += "\n";
  if (!is_stdout() && !file_)
    if (const std::error_code error = open()) return error;
  return write(as_bytes(text));
}

std::error_code Download::finish() {
  progress_.clear();
  if (error_) return error_;
  if (!file_) return {};
  ::fremovexattr(file_.get(), etag_attribute);
  // Some file systems (NFS, quotas) tell only now that they had no room.
  return ::close(::dup(file_.get())) != 0 ? last_error() : std::error_code{};
}

}  // namespace handfast::cli
