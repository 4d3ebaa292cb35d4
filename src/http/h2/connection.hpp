// One HTTP/2 connection as one end sees it (RFC 9113), for either role: bytes in, events out; verbs
// in, bytes out. Framing and HPACK are nghttp2's; this gives them the shape of our engines, limits
// with names, and requests that are the same values as those of HTTP/1.1.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "http/h2/allowance.hpp"
#include "http/h2/config.hpp"
#include "http/h2/event.hpp"
#include "http/h2/stream.hpp"
#include "http/message.hpp"
#include "http/state.hpp"

struct nghttp2_session;

namespace handfast::http::h2 {

/// What a client's first bytes are (RFC 9113 §3.4), and what a server that also speaks HTTP/1.1 on
/// the same port knows it by.
inline constexpr std::string_view client_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// After on_input() and each verb: drain poll_event(), then poll_output().
class Connection {
 public:
  explicit Connection(Role role, const Config& config = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// What the peer sent; all of it is taken. `now` is for what is allowed so many times a second.
  void on_input(Bytes bytes, Instant now);
  /// The peer's bytes end here, or will never come: what is open ends with a Reset.
  void on_end_of_input();

  std::optional<Event> poll_event();
  /// Writes frames into `room`, which has at least output_room_min bytes, and returns how much.
  /// 0: there is nothing to send now.
  u32 poll_output(MutBytes room);
  static constexpr u32 output_room_min = 9 + (16u << 10);

  /// Client: asks. Where `ends`, nothing follows the head. It waits here while the peer allows no
  /// more streams. Fields are not checked for what HTTP/1.1 alone needs; Host becomes :authority.
  Result<StreamId, Error> request(const Request& request, bool is_secure, bool ends);
  /// Server: a 1xx response, as many as one likes, or the final one. False: the stream is gone, or
  /// was answered. Error: `response` cannot be sent as it is.
  Result<bool, Error> respond(StreamId id, const Response& response, bool ends);

  /// Room for content, at most `wanted` bytes: as much as the peer's window for the stream and the
  /// limits here allow. Empty: a Writable will tell, or the stream is gone. Fill it and call send()
  /// before any other verb.
  MutBytes send_space(StreamId id, u32 wanted);
  void send(StreamId id, u32 n);
  /// Content and all is said.
  Result<void, Error> finish(StreamId id, Fields trailers = {});
  /// `n` bytes of a Content event are dealt with: the peer may send as many again.
  void consume(StreamId id, u32 n);
  /// Ends a stream early. No event follows for it.
  void reset(StreamId id, Code code);
  /// Each stream that an event announced or request() made is released once, and no verb or event
  /// is for it after that. What this end has left unfinished is reset; what the peer still sends
  /// is dropped.
  void release(StreamId id);
  /// Whether the stream can still be answered.
  bool is_open(StreamId id) const;

  /// Takes no new streams, and is over when those at hand are (RFC 9113 §6.8). A client may still
  /// open streams until it has heard of it: they are served.
  void shut_down();
  /// Over at once, with a GOAWAY that says why.
  void fail(Code code, std::string_view why);

  /// Nothing more is read or written: close the stream below when poll_output() gave 0.
  bool is_over() const;
  bool wants_output() const;
  /// Why the connection is over, where it did not end well.
  const std::optional<Failure>& fault() const { return fault_; }
  /// Streams not released, and those still known to the peer.
  u32 streams_open() const { return to<u32>(streams_.size()); }
  /// Client: how many more requests would go out at once.
  u32 requests_left() const;

 private:
  friend struct Callbacks;
  struct Pending {
    enum class Kind : u8 { head, informational, content, end, reset, writable, going_away };
    Kind kind = Kind::head;
    StreamId stream = 0;
    Code code = Code::no_error;
    u16 status = 0;
    Bytes bytes{};
  };

  Stream* find(StreamId id) const;
  Stream* find_open(StreamId id) const;
  Stream& make_stream(StreamId id);
  void forget(const Stream& stream);
  std::optional<Event> event_of(const Pending& pending);
  void tell(Pending pending) { pending_.push_back(pending); }
  void drop(const Pending& pending);

  // What nghttp2 tells (callbacks.cpp). An int is what it wants to hear: 0, or that of limit().
  void make_session();
  int limit(Code code, std::string_view why);
  int on_frame_begins(u8 type, u8 flags, u64 length, StreamId id);
  void on_settings_begin();
  int on_settings();
  u32 peer_window() const;
  int on_stream_number(StreamId id);
  int on_head_begins(StreamId id, bool is_request);
  int on_head_ends(StreamId id, bool ends);
  int on_request_head(Stream& stream, bool ends);
  int on_response_head(Stream& stream);
  int on_early_end(Code code);
  void on_message_ends(Stream& stream);
  void on_all_sent(StreamId id);
  void on_notice_sent();
  void on_ping_came_back();
  void on_closed(StreamId id, Code code);
  void on_failure_of_session(int error);

  void submit_reset(StreamId id, Code code);
  void submit_trailers(const Stream& stream);
  void close_all(Code code);
  void drop_output(Stream& stream);
  u32 space(const Stream& stream) const;
  void wake_waiting();

  static constexpr u32 spare_streams_max = 8;

  Role role_;
  Config config_;
  nghttp2_session* session_ = nullptr;
  Instant now_ = Instant::min();
  std::vector<std::unique_ptr<Stream>> streams_;  // by number
  std::vector<std::unique_ptr<Stream>> spare_;    // for the next ones: their memory is kept
  std::vector<Pending> pending_;
  std::size_t pending_begin_ = 0;
  std::optional<Failure> limit_;  // what on_input() has met
  std::optional<Failure> fault_;
  bool has_said_why_ = false;      // the GOAWAY of fail() is on its way
  bool has_failed_ = false;        // and said so
  Section* receiving_ = nullptr;   // the section of fields that comes
  StreamId last_ = 0;              // of the peer's
  std::vector<StreamId> skipped_;  // numbers that the peer went over: first and last of each run
  u32 old_window_ = 0;             // peer_window() before the SETTINGS at hand
  Allowance resets_;
  Allowance idle_frames_;
  bool is_shutting_down_ = false;
  bool waits_for_last_ = false;  // shut_down() waits for its PING to come back

  MutBytes room_;             // of the poll_output() under way
  u32 written_ = 0;           // of it
  Bytes leftover_;            // of a frame that did not fit
  u32 bytes_held_ = 0;        // in all SendBuffers
  bool has_waiting_ = false;  // a stream wants space
  std::string text_;          // names of the fields that are being sent
  std::vector<Field> fields_;
};

}  // namespace handfast::http::h2
