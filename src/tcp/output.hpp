// What a connection gives out: segments to be sent, and news for its application.
#pragma once

#include <array>
#include <optional>

#include "base/types.hpp"
#include "wire/tcp.hpp"

namespace handfast::tcp {

/// One segment, or a super-segment, to be sent. The payload lies in the send ring until the next
/// call into the connection.
struct Transmit {
  wire::TcpHeader header;
  std::array<Bytes, 2> payload{};
  u16 segment_size = 0;  // 0, or the payload bytes of each segment to split into
  u8 ecn = 0;            // for the IP header
  u32 payload_length() const { return to<u32>(payload[0].size() + payload[1].size()); }
};

using Out = std::optional<Transmit>;

/// What the application should know; each is told once per change.
enum class Event : u8 {
  connected,    // ESTABLISHED was reached
  readable,     // received() has grown
  writable,     // the send buffer has room again after send_space() was short
  peer_closed,  // the peer's FIN: no more will come than received() holds
  closed,       // the connection is over; error() says why
  urgent,       // the peer announced urgent data, or its byte came (RFC 6093)
  flushed,      // after CLOSE: all that was sent, and our FIN, are acknowledged
  heartbeat,    // nothing came for Settings::heartbeat, again and again
  unanswered,   // Config::retries_doubted retransmissions were; it goes on (RFC 9293 §3.8.3, R1)
  soft_error,   // ICMP told of trouble that does not end the connection: Info::soft_error
};

/// What header prediction made of a segment.
enum class Predicted : u8 {
  no,       // nothing happened: verify it, and on_segment()
  taken,    // done
  corrupt,  // nothing happened, and nothing may: its checksum is wrong
};

}  // namespace handfast::tcp
