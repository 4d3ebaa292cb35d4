// What an engine tells about itself, as values. Nothing here costs anything while no sink is
// attached: a null Sink* is "off", one predicted branch.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"
#include "wire/tcp.hpp"

namespace handfast::trace {

/// A reason for people. `format` is a literal in fmt's syntax with up to two numbers, so that
/// nothing is printed unless somebody reads it: {"SYN accepted, backlog {}/{}", 1, 128}.
struct Why {
  std::string_view format;
  u64 a = 0;
  u64 b = 0;
};
std::string to_string(const Why& why);

/// What the first bytes of a frame are.
enum class LinkType : u8 { ethernet, ip };

/// A frame left or reached an interface. The pieces together are the frame.
struct FrameSent {
  u16 interface = 0;
  LinkType link_type = LinkType::ip;
  std::array<Bytes, 3> pieces{};
};
struct FrameReceived {
  u16 interface = 0;
  LinkType link_type = LinkType::ip;
  Bytes frame;
};

/// A segment left for, or came from, the other end. A super-segment is one event.
struct SegmentSent {
  const wire::Flow& flow;
  const wire::TcpHeader& header;
  u32 payload_length = 0;
  Why why;  // "retransmission, RTO", "window update"; empty for plain data and ACKs
};
struct SegmentReceived {
  const wire::Flow& flow;
  const wire::TcpHeader& header;
  u32 payload_length = 0;
};
/// An arrow of the state diagram was taken. Names are those of RFC 9293: "SYN_RECEIVED".
struct StateChanged {
  const wire::Flow& flow;
  std::string_view from;
  std::string_view to;
  Why why;
};
/// A timer of a connection ran out.
struct TimerFired {
  const wire::Flow& flow;
  std::string_view timer;  // "retransmit", "delayed ACK", "persist", …
  Why why;
};
/// The congestion window or its threshold moved. Bytes.
struct CongestionChanged {
  const wire::Flow& flow;
  u32 congestion_window = 0;
  u32 slow_start_threshold = 0;
  Why why;
};
/// A round trip was measured (RFC 6298).
struct RttMeasured {
  const wire::Flow& flow;
  Duration sample{};
  Duration smoothed{};
  Duration timeout{};
};
/// A packet ended here. `packet` starts at the IP header where one was read, else at the frame's.
struct PacketDropped {
  wire::Drop reason{};
  Bytes packet;
};
/// A neighbour's link-layer address was learned, asked for or given up (RFC 826, RFC 4861).
struct NeighbourChanged {
  const wire::IpAddress& address;
  wire::MacAddress mac;
  std::string_view state;  // "asked", "resolved", "failed"
};
/// An impaired link did something to a frame on purpose.
struct FrameImpaired {
  std::string_view what;  // "lost", "duplicated", "reordered", "corrupted", "queue overflow"
  Bytes frame;
};

/// A listener gets more SYNs than handshakes are finished (RFC 4987).
struct SynFlood {
  wire::Endpoint listener{};
  std::string_view state;  // "began", "goes on", "ended"
  Duration lasted{};
  u64 syns_per_second = 0;  // lately; at its end, in all of it
  u64 syns = 0;             // since it began
  u64 sources = 0;          // distinct addresses, estimated
  u64 cookies_sent = 0;
  u64 cookies_valid = 0;
  u64 cookies_invalid = 0;
};
std::string to_string(const SynFlood& flood);

struct StreamEvent;
/// TLS or HTTP told something about a stream between these ends, be it one of our own TCP or not.
/// What is unknown of the flow is zero. See stream_event.hpp.
struct StreamTold {
  const wire::Flow& flow;
  const StreamEvent& event;
};

using Event = std::variant<FrameSent, FrameReceived, SegmentSent, SegmentReceived, StateChanged,
                           TimerFired, CongestionChanged, RttMeasured, PacketDropped,
                           NeighbourChanged, FrameImpaired, SynFlood, StreamTold>;

/// Takes events as they happen, in the caller's thread. References in an event are valid only
/// during the call.
struct Sink {
  virtual ~Sink() = default;
  virtual void on(Instant now, const Event& event) = 0;
};

}  // namespace handfast::trace
