// Which TCP segments an impaired link loses on purpose: "the first SYN,ACK", "every FIN".
#pragma once

#include "base/types.hpp"
#include "trace/event.hpp"

namespace handfast::link {

/// Names segments by their control bits and payload length, and which of them is lost. A segment
/// that is sent again counts again, so that {SYN,ACK, 1} lets the second copy through.
struct TargetedLoss {
  u16 flags_mask = 0;   // wire::TcpFlags that are looked at,
  u16 flags_value = 0;  // and what they must be
  u32 payload_min = 0;  // bytes
  u32 payload_max = 0xffffffff;
  u32 occurrence = 1;  // counted from 1; 0: every one
};

/// Whether `frame` is a TCP segment that `target` describes; checksums are not looked at.
bool matches(const TargetedLoss& target, trace::LinkType link_type, Bytes frame);

}  // namespace handfast::link
