#include "io/http_writer.hpp"

#include <algorithm>

#include "io/file_tree.hpp"

namespace handfast::io {
namespace {

constexpr std::size_t small = 1024;  // bytes that are worth to share a segment with what follows

}  // namespace

void HttpWriter::begin() {
  written_ = 0;
  if (service_.options().rate_min > 0) began_ = service_.now();
}

MutBytes HttpWriter::room() {
  if (!buffer_) buffer_ = service_.take_buffer(service_.options().write_buffer_max);
  return buffer_.all().subspan(held_);
}

void HttpWriter::release() {
  held_ = 0;
  service_.give_back(std::move(buffer_));
}

asio::awaitable<std::error_code> HttpWriter::flush(bool more) {
  const Bytes bytes = buffer_.all().first(held_);
  const std::error_code error = co_await copy_to_stream(bytes, more);
  // The last piece may have been sent with word that more would follow.
  if (!more && bytes.empty() && stream_.lends_space()) stream_.send(0, false);
  release();
  co_return error;
}

asio::awaitable<std::error_code> HttpWriter::write(Bytes bytes, bool more) {
  std::error_code error;
  // Where the stream lends its memory, holding costs a second copy.
  const bool holds = stream_.lends_space() ? more && bytes.size() <= small : true;
  if (holds && bytes.size() <= room().size()) {
    std::ranges::copy(bytes, room().begin());
    held_ += to<u32>(bytes.size());
    if (!more) error = co_await flush(false);
    co_return error;
  }
  if (held_ > 0) error = co_await flush(true);
  if (!error) error = co_await copy_to_stream(bytes, more);
  co_return error;
}

asio::awaitable<Transferred> HttpWriter::write_file(const link::Descriptor& file,
                                                    http::ByteRange part, bool more) {
  const bool lends = stream_.lends_space();
  Transferred done;
  if (lends || room().empty()) {
    if (held_ > 0) done.error = co_await flush(true);
    if (lends && !done.error) done.error = co_await wait_for_space();
    if (done.error) co_return done;
  }
  constexpr u64 piece_max = 64u << 10;
  const u32 wanted = to<u32>(std::min(part.length, piece_max));
  MutBytes space = lends ? stream_.send_space(wanted) : room();
  space = space.first(std::min<std::size_t>(space.size(), wanted));
  const auto n = read_at(file, space, part.first);
  if (!n || *n == 0) done.error = std::make_error_code(std::errc::io_error);
  if (done.error) co_return done;
  done.bytes = *n;
  const bool goes_on = more || *n < part.length;
  if (lends) {
    stream_.send(to<u32>(*n), goes_on);
    written_ += *n;
  } else {
    held_ += to<u32>(*n);
    if (!more || room().empty()) done.error = co_await flush(goes_on);
  }
  co_return done;
}

asio::awaitable<std::error_code> HttpWriter::copy_to_stream(Bytes bytes, bool more) {
  while (!bytes.empty()) {
    std::size_t n = 0;
    if (stream_.lends_space()) {
      const std::error_code error = co_await wait_for_space();
      if (error) co_return error;
      const MutBytes space = stream_.send_space(to<u32>(bytes.size()));
      n = space.size();
      std::ranges::copy(bytes.first(n), space.begin());
      stream_.send(to<u32>(n), more || n < bytes.size());
    } else {
      stream_.expires_after(limit());
      const Transferred done = co_await stream_.write_some(bytes);
      if (done.error) co_return done.error;
      n = done.bytes;
    }
    written_ += n;
    bytes = bytes.subspan(n);
  }
  co_return std::error_code{};
}

asio::awaitable<std::error_code> HttpWriter::wait_for_space() {
  Transferred done;
  while (!done.error && stream_.send_space(1).empty()) {
    stream_.expires_after(limit());
    done = co_await stream_.wait_to_write();
  }
  co_return done.error;
}

Duration HttpWriter::limit() const {
  return service_.limit(service_.options().write_timeout, written_, began_);
}

}  // namespace handfast::io
