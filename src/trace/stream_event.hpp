// What the engines of byte streams, TLS and HTTP, tell about themselves. They know neither the time
// nor who talks to whom, so that they run over any stream: whoever drives one adds both (see
// StreamTold in event.hpp). A null StreamSink* is "off", one predicted branch.
#pragma once

#include <string_view>
#include <variant>

#include "base/types.hpp"

namespace handfast::trace {

enum class Way : u8 { sent, received };

/// Bytes of one way of a stream, counted from its first: [begin, end). With it a message is found
/// in the segments that carry it, sent once or again.
struct StreamRange {
  u64 begin = 0;
  u64 end = 0;
};

/// The keys that protect a record (RFC 8446 §2 draws the last two as {} and []).
enum class Protection : u8 { none, early, handshake, application };

/// A handshake message. Of one that comes, the range is that of the record that completed it.
struct TlsMessage {
  Way way{};
  Protection protection{};
  std::string_view name;    // "ClientHello"
  std::string_view fields;  // in short: "TLS1.3 SNI=example.org ALPN=http/1.1 x25519"; may be empty
  u32 size = 0;             // bytes, with its header
  StreamRange range;
};
/// A record, once its protection is off or before it is put on.
struct TlsRecord {
  Way way{};
  Protection protection{};
  std::string_view type;  // "handshake", "application_data"
  StreamRange range;
  /// Application data: where its content is in the stream that the application sees.
  StreamRange content{};
};
/// An arrow of the diagram was taken. Names are those of RFC 8446 appendix A: "WAIT_SH".
struct TlsState {
  std::string_view role;  // "client"
  std::string_view from;
  std::string_view to;
  std::string_view why;  // the arrow's label, or what went wrong
};
/// A step of the key schedule: "handshake secrets", from "x25519" or "PSK and x25519".
struct TlsSecrets {
  std::string_view secrets;
  std::string_view from;
};
/// From here on records of this way are protected so.
struct TlsKeys {
  Way way{};
  Protection protection{};
  bool is_update = false;  // RFC 8446 §4.6.3
};
/// Both ends agree. Empty is what does not apply.
struct TlsConnected {
  std::string_view version;  // "TLS 1.3"
  std::string_view suite;
  std::string_view group;
  std::string_view scheme;  // by which the peer signed
  std::string_view protocol;
  bool is_resumed = false;
  bool is_retried = false;
};
struct TlsAlert {
  Way way{};
  Protection protection{};
  std::string_view name;  // "handshake_failure"
  std::string_view why;   // a sentence; empty for close_notify
  StreamRange range;
};
/// A record that came was passed over: early data that is not taken, a ChangeCipherSpec of 1.3.
struct TlsSkipped {
  std::string_view what;
  u32 size = 0;
};

/// A head. `line` is its first without the version: "GET /", "200 OK"; `fields` some of the rest:
/// "text/plain 1000 bytes".
struct HttpHead {
  Way way{};
  bool is_request = false;
  std::string_view line;
  std::string_view fields;
  StreamRange range;
};
/// The end of a message, and whether another may follow on this connection.
struct HttpEnd {
  Way way{};
  bool is_kept_alive = false;
};
/// What came is no HTTP as RFC 9112 has it.
struct HttpRefused {
  u16 status = 0;
  std::string_view why;
  std::string_view section;
};

struct StreamEvent
    : std::variant<TlsMessage, TlsRecord, TlsState, TlsSecrets, TlsKeys, TlsConnected, TlsAlert,
                   TlsSkipped, HttpHead, HttpEnd, HttpRefused> {
  using variant::variant;
};

/// Takes events as they happen, in the caller's thread. Views in an event are valid only during
/// the call.
struct StreamSink {
  virtual ~StreamSink() = default;
  virtual void on(const StreamEvent& event) = 0;
};

}  // namespace handfast::trace
