#include "io/http_writer.hpp"

#include <algorithm>

#include "io/file_tree.hpp"

namespace handfast::io {
namespace {

constexpr std::size_t small = 1024;     // bytes that are worth to share a segment with what follows
constexpr u64 at_once_max = 64u << 10;  // bytes of a response that are written without waiting

}  // namespace

void HttpWriter::begin() {
  written_ = 0;
  if (service_.options().rate_min > 0) began_ = service_.now();
}

MutBytes HttpWriter::room() {
  if (!buffer_) buffer_ = service_.take_buffer(service_.buffer_bytes(stream_));
  return buffer_.all().subspan(held_);
}

void HttpWriter::release() {
  held_ = sent_ = 0;
  service_.give_back(std::move(buffer_));
}

bool HttpWriter::flush_now(bool more, std::error_code& error) {
  const bool lends = stream_.lends_space();
  // The last piece may have been sent with word that more would follow.
  if (lends && held().empty() && !more) stream_.send(0, false);
  while (lends && !held().empty()) {
    const u32 n = copy_to_space(held(), more);
    if (n == 0) return false;
    sent_ += n;
  }
  // Who has got much already waits for its turn like others.
  if (!lends && !more && !held().empty() && written_ < at_once_max) {
    const Transferred done = stream_.write_now(held());
    error = done.error;
    sent_ += to<u32>(done.bytes);
    written_ += done.bytes;
  }
  if (!error && !held().empty()) return false;
  release();
  return true;
}

asio::awaitable<std::error_code> HttpWriter::flush(bool more) {
  std::error_code error;
  while (!flush_now(more, error) && !error) {
    if (stream_.lends_space()) {
      error = co_await wait_for_space();
      continue;
    }
    stream_.expires_after(limit());
    const Transferred done = co_await stream_.write_some(held());
    error = done.error;
    sent_ += to<u32>(done.bytes);
    written_ += done.bytes;
  }
  if (error) release();
  co_return error;
}

bool HttpWriter::keep(Bytes bytes, bool more) {
  // Where the stream lends its memory, holding costs a second copy.
  const bool keeps = stream_.lends_space() ? more && bytes.size() <= small : true;
  if (!keeps || bytes.size() > room().size()) return false;
  std::copy_n(bytes.begin(), bytes.size(), room().begin());
  held_ += to<u32>(bytes.size());
  return true;
}

asio::awaitable<std::error_code> HttpWriter::write(Bytes bytes, bool more) {
  std::error_code error;
  if (held_ > 0) error = co_await flush(true);
  while (!bytes.empty() && !error) {
    std::size_t n = 0;
    if (stream_.lends_space()) {
      error = co_await wait_for_space();
      if (!error) n = copy_to_space(bytes, more);
    } else {
      stream_.expires_after(limit());
      const Transferred done = co_await stream_.write_some(bytes);
      error = done.error;
      n = done.bytes;
      written_ += n;
    }
    bytes = bytes.subspan(n);
  }
  co_return error;
}

bool HttpWriter::has_room_for_file() {
  if (!stream_.lends_space()) return !room().empty();
  std::error_code error;
  return flush_now(true, error) && !stream_.send_space(1).empty();
}

asio::awaitable<std::error_code> HttpWriter::make_room() {
  std::error_code error = co_await flush(true);
  if (!error && stream_.lends_space()) error = co_await wait_for_space();
  co_return error;
}

Transferred HttpWriter::take_file(const link::Descriptor& file, http::ByteRange part, bool more) {
  constexpr u64 piece_max = 64u << 10;
  const bool lends = stream_.lends_space();
  const u32 wanted = to<u32>(std::min(part.length, piece_max));
  MutBytes space = lends ? stream_.send_space(wanted) : room();
  space = space.first(std::min<std::size_t>(space.size(), wanted));
  const auto n = read_at(file, space, part.first);
  if (!n || *n == 0) return {std::make_error_code(std::errc::io_error)};
  if (lends) {
    stream_.send(to<u32>(*n), more || *n < part.length);
    written_ += *n;
  } else {
    held_ += to<u32>(*n);
  }
  return {{}, *n};
}

u32 HttpWriter::copy_to_space(Bytes bytes, bool more) {
  const MutBytes space = stream_.send_space(to<u32>(bytes.size()));
  const u32 n = to<u32>(std::min(space.size(), bytes.size()));
  if (n == 0) return 0;
  // Not std::ranges::copy, which g++ 12 makes a loop of where the bytes are const.
  std::copy_n(bytes.begin(), n, space.begin());
  stream_.send(n, more || n < bytes.size());
  written_ += n;
  return n;
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
