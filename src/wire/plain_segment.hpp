// The TCP segment that nearly always comes, read in one step from the IP packet that holds it.
#pragma once

#include <optional>

#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/checksum.hpp"
#include "wire/tcp.hpp"

namespace handfast::wire {

/// IPv4 without options or IPv6 without extension headers, no fragment; ACK, maybe with PSH and
/// FIN; no option, or timestamps alone in their usual place.
struct PlainSegment {
  TcpSegment segment{};
  Flow flow{};     // as the receiver sees it
  u8 ecn = 0;      // of the IP header
  Checksum sum{};  // over the pseudo-header and the TCP header; the payload is left to add

  /// False where the packet is anything else, or anything is wrong with it: then parse_ip() and
  /// parse_tcp() find out what. What is true of their results is true of these. `flow` may be
  /// right even then.
  bool parse(Bytes packet);
  /// Whether the checksum is right, where nobody has looked at the payload yet.
  bool is_intact() const { return Checksum(sum).add(segment.payload).sum() == 0xffff; }
};

/// The flow of an IP packet, as the receiver sees it, if it looks like a SYN without IP options or
/// extension headers. Nothing in it was verified.
std::optional<Flow> flow_of_syn(Bytes packet);

}  // namespace handfast::wire
