// Writes a response's bytes to a stream: through the stream's own memory where it lends that
// (io::TcpStream, so that a file is read straight into the send ring), else through a buffer that
// is borrowed as long as something is in it. That buffer is all that a slow reader can make a
// connection hold.
#pragma once

#include <system_error>

#include <asio/awaitable.hpp>

#include "base/time.hpp"
#include "base/types.hpp"
#include "http/range.hpp"
#include "io/any_stream.hpp"
#include "io/http_service.hpp"
#include "link/descriptor.hpp"

namespace handfast::io {

class HttpWriter {
 public:
  HttpWriter(AnyStream& stream, HttpService& service) : stream_(stream), service_(service) {}
  HttpWriter(const HttpWriter&) = delete;
  HttpWriter& operator=(const HttpWriter&) = delete;
  ~HttpWriter() { service_.give_back(std::move(buffer_)); }

  /// Another response begins: time limits count from here.
  void begin();
  /// Where the next bytes can be put; hold() them then. Empty: flush() first.
  MutBytes room();
  void hold(u32 n) { held_ += n; }
  bool holds() const { return held_ > 0; }
  /// Sends what is held. `more` follows at once, so a part segment need not go.
  asio::awaitable<std::error_code> flush(bool more);
  /// The same where that needs no waiting, and so no coroutine: whether it is over.
  bool flush_now(bool more, std::error_code& error);

  /// Bytes as they are, behind what is held.
  asio::awaitable<std::error_code> write(Bytes bytes, bool more);
  /// Holds them instead, where that is worth a copy; `more` of the response follows. False: write()
  /// them.
  bool keep(Bytes bytes, bool more);

  /// Whether take_file() has room; else make_room() first.
  bool has_room_for_file();
  asio::awaitable<std::error_code> make_room();
  /// At least one byte of a file, from `part.first` on, and how many; io_error where there are
  /// none. flush() when all is taken.
  Transferred take_file(const link::Descriptor& file, http::ByteRange part, bool more);

 private:
  Bytes held() const { return Bytes(buffer_.all()).first(held_).subspan(sent_); }
  /// Into the stream's memory: how many found space.
  u32 copy_to_space(Bytes bytes, bool more);
  asio::awaitable<std::error_code> wait_for_space();
  /// What the next step may take; negative: nothing any more.
  Duration limit() const;
  void release();

  AnyStream& stream_;
  HttpService& service_;
  Buffer buffer_;
  u32 held_ = 0;
  u32 sent_ = 0;  // of those
  u64 written_ = 0;
  Instant began_{};
};

}  // namespace handfast::io
