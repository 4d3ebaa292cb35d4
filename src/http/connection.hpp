// One HTTP/1.1 connection as one end sees it (RFC 9112), for either role: bytes in, events out,
// and events to bytes. It neither reads nor writes a stream; what a client sends is exactly what a
// server receives.
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/config.hpp"
#include "http/error.hpp"
#include "http/framing.hpp"
#include "http/message.hpp"
#include "http/parser.hpp"
#include "http/state.hpp"
#include "trace/stream_event.hpp"

namespace handfast::http {

class Connection {
 public:
  explicit Connection(Role role, const Config& config = {}) : role_(role), config_(config) {}

  /// From now on `sink` hears of heads, ends and errors; null: nobody. Before the first byte, so
  /// that places in the stream are right.
  void trace_to(trace::StreamSink* sink) { sink_ = sink; }

  /// Takes the next event from the front of `in` and advances `in` behind what it used. After
  /// NeedMore, call again with the rest of `in` and more behind it; a head must be contiguous, so
  /// the caller's buffer holds Config::head_bytes_max. Views in the event point into `in` and into
  /// this object: they are valid until the bytes move or next() is called again.
  /// An Error is final for the peer's half. A server should still send what it says.
  Result<Event, Error> next(Bytes& in);
  /// The peer's bytes end here (FIN). next() then reports what that means.
  void end_of_input() { input_ended_ = true; }

  /// Writes what `event` (Request, Response, Data, EndOfMessage, ConnectionClosed) is on the wire
  /// into `room` and returns the bytes written. An Error (misuse, or too little room) changes
  /// nothing. What a head must say about framing and closing and does not is added to it: a
  /// response without Content-Length is chunked for HTTP/1.1 and ends with the connection for 1.0.
  Result<u32, Error> send(const Event& event, MutBytes room);
  /// The most that framing adds to the bytes of one Data.
  static constexpr u32 data_overhead_max = 20;
  /// The caller writes `n` bytes of content to the stream itself, so that they need not pass
  /// through a room. Only where the content goes out unframed: see sends_raw_content().
  Result<void, Error> sent_content(u64 n);
  bool sends_raw_content() const { return !std::holds_alternative<Chunked>(out_framing_); }

  State our_state() const { return machine_.state(role_); }
  State their_state() const { return machine_.state(other(role_)); }
  const Machine& machine() const { return machine_; }
  /// The connection can carry another message after this one.
  bool keep_alive() const { return machine_.keep_alive(); }
  void end_keep_alive() { machine_.end_keep_alive(); }
  /// Server: the client holds its content back until it sees a 100 or a final response
  /// (RFC 9110 §10.1.1).
  bool client_waits() const { return client_waits_; }
  /// The content's bytes that are still to come, where the head told.
  std::optional<u64> content_left() const;

  /// Gives back what is kept from message to message, for a connection that is idle. Ends all
  /// views.
  void release() { fields_ = std::vector<Field>(); }

  /// What the request at hand would have the connection become: RFC 9110 §7.8 and §9.3.6. The
  /// server agrees by a 101 or a 2xx, and both ends' states are switched from then on.
  enum class Offer : u8 { none, upgrade, tunnel };
  static Offer offer_of(const Request& request);
  Offer offer() const { return offer_; }

 private:
  bool is_agreement(u16 status) const;
  Result<Event, Error> next_event(Bytes& in);
  Result<u32, Error> send_event(const Event& event, MutBytes room);
  void tell(trace::Way way, const Event& event, trace::StreamRange range) const;
  Result<Event, Error> next_head(Bytes& in);
  Result<Event, Error> on_request(std::string_view head);
  Result<Event, Error> on_response(std::string_view head);
  Result<Event, Error> next_content(Bytes& in);
  Result<Event, Error> need_more(Bytes in);

  Result<u32, Error> send_request(const Request& request, MutBytes room);
  Result<u32, Error> send_response(const Response& response, MutBytes room);
  Result<u32, Error> send_agreement(const Response& response, MutBytes room);
  Result<u32, Error> send_data(Bytes bytes, MutBytes room);
  Result<u32, Error> send_end(Fields trailers, MutBytes room);

  Role role_;
  bool input_ended_ = false;
  bool to_head_ = false;  // the request at hand is a HEAD
  bool client_waits_ = false;
  bool skipped_line_ = false;  // an empty line before the request
  Offer offer_ = Offer::none;
  u8 request_minor_ = 1;
  u32 informational_ = 0;
  u64 taken_ = 0;  // of the peer's bytes, since its first
  u64 sent_ = 0;   // of ours
  trace::StreamSink* sink_ = nullptr;
  Config config_;
  Machine machine_;
  SectionScanner scanner_;
  Framing in_framing_;
  Framing out_framing_;
  Error error_{};
  std::vector<Field> fields_;  // of the last head or trailer section; its memory is kept
};

}  // namespace handfast::http
