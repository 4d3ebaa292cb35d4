// Writes a response's bytes to a stream: through the stream's own memory where it lends that
// (io::TcpStream, so that a file is read straight into the send ring), else through a buffer.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/socket_base.hpp>
#include <asio/use_awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/range.hpp"
#include "io/file_tree.hpp"

namespace handfast::io {

template <class Stream>
class HttpWriter {
 public:
  /// A write fails when the stream made no progress for `timeout`.
  HttpWriter(Stream& stream, Duration timeout) : stream_(stream), timeout_(timeout) {}

  /// False where the stream failed. `more` follows at once, so a part segment need not go.
  asio::awaitable<bool> write(Bytes bytes, bool more) {
    if constexpr (lends_space) {
      while (!bytes.empty()) {
        if (!co_await wait_for_room()) co_return false;
        const MutBytes space = stream_.send_space(to<u32>(bytes.size()));
        std::ranges::copy(bytes.first(space.size()), space.begin());
        bytes = bytes.subspan(space.size());
        stream_.send(to<u32>(space.size()), more || !bytes.empty());
      }
      co_return true;
    } else {
      held_.insert(held_.end(), bytes.begin(), bytes.end());
      if (more) co_return true;
      co_return co_await flush();
    }
  }

  /// A part of `file`; `more` follows it at once. `written` is told of each piece. False also where
  /// the file has become shorter.
  template <class Told>
  asio::awaitable<bool> write_file(const link::Descriptor& file, http::ByteRange part, bool more,
                                   Told written) {
    const u64 end = part.first + part.length;
    for (u64 at = part.first; at < end;) {
      const u32 wanted = to<u32>(std::min<u64>(end - at, chunk_bytes));
      MutBytes space;
      if constexpr (lends_space) {
        if (!co_await wait_for_room()) co_return false;
        space = stream_.send_space(wanted);
      } else {
        const std::size_t before = held_.size();
        held_.resize(before + wanted);
        space = MutBytes(held_).subspan(before);
      }
      const auto n = read_at(file, space, at);
      if (!n || *n < space.size()) co_return false;
      at += space.size();
      written(space.size());
      if constexpr (lends_space) {
        stream_.send(to<u32>(space.size()), more || at < end);
      } else {
        if (!co_await flush()) co_return false;
      }
    }
    co_return true;
  }

 private:
  static constexpr u32 chunk_bytes = 64u << 10;
  static constexpr bool lends_space = requires(Stream& stream) { stream.send_space(0u); };

  asio::awaitable<bool> wait_for_room() {
    std::error_code error;
    while (!error && stream_.send_space(1).empty()) {
      stream_.expires_after(timeout_);
      co_await stream_.async_wait(asio::socket_base::wait_write,
                                  asio::redirect_error(asio::use_awaitable, error));
    }
    co_return !error;
  }

  asio::awaitable<bool> flush() {
    Bytes rest = held_;
    while (!rest.empty()) {
      stream_.expires_after(timeout_);
      std::error_code error;
      const std::size_t n = co_await stream_.async_write_some(
          asio::buffer(rest.data(), rest.size()), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      rest = rest.subspan(n);
    }
    held_.clear();
    co_return true;
  }

  Stream& stream_;
  Duration timeout_;
  std::vector<u8> held_;  // where the stream lends no space
};

}  // namespace handfast::io
