// What an HTTP/2 connection knows of one stream.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/types.hpp"
#include "http/h2/event.hpp"
#include "http/h2/section.hpp"

namespace handfast::http::h2 {

/// Content that waits for its frames. Holds memory only while there is some.
class SendBuffer {
 public:
  u32 size() const { return to<u32>(bytes_.size()) - begin_ - spare_; }
  /// `n` writable bytes behind the content, of which commit() takes in the first.
  MutBytes space(u32 n) {
    const u32 held = size();
    if (begin_ > 0 && held > 0) std::memmove(bytes_.data(), bytes_.data() + begin_, held);
    begin_ = 0;
    bytes_.resize(held + n);
    spare_ = n;
    return MutBytes(bytes_).subspan(held);
  }
  void commit(u32 n) {
    ASSERT(n <= spare_);
    bytes_.resize(bytes_.size() - (spare_ - n));
    spare_ = 0;
    if (bytes_.empty()) clear();
  }
  Bytes front(u32 n) const { return Bytes(bytes_).subspan(begin_, n); }
  void consume(u32 n) {
    ASSERT(n <= size());
    begin_ += n;
    if (size() == 0) clear();
  }
  void clear() { *this = SendBuffer(); }

 private:
  std::vector<u8> bytes_;
  u32 begin_ = 0;
  u32 spare_ = 0;  // at the end, handed out by space()
};

struct Stream {
  StreamId id = 0;
  Section head{};
  Section trailers{};
  Request request{};    // views into `head`
  Response response{};  // the same, for a client
  Error refusal{};      // of a head that is understood and not taken
  bool is_refused = false;
  bool has_content = false;  // content or trailers follow the head
  u32 informational = 0;     // 1xx responses so far

  bool has_head = false;      // the peer's (final) head is complete
  bool is_announced = false;  // the caller knows of it
  bool is_released = false;   // and has said that it is done with it
  bool is_reset = false;      // by the caller
  bool is_closed = false;     // for nghttp2
  bool has_ended = false;     // the peer's message is complete

  SendBuffer out{};
  bool has_sent_head = false;  // our final one
  i64 old_window = 0;          // to send into, before the SETTINGS at hand
  bool is_finished = false;    // our message is complete, perhaps not all sent
  bool is_all_sent = false;
  bool wants_space = false;                                         // a Writable is due
  std::vector<std::pair<std::string, std::string>> trailers_out{};  // go behind the content

  /// As new, but with the memory of its sections.
  void start_over() {
    head.clear();
    trailers.clear();
    Stream fresh;
    std::swap(fresh.head, head);
    std::swap(fresh.trailers, trailers);
    *this = std::move(fresh);
  }
};

}  // namespace handfast::http::h2
