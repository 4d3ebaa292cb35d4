// The header before each frame of a device with offloads: virtio 1.2 §5.1.6, in the legacy layout
// of ten bytes in host order that TUN has by default.
#pragma once

#include "base/types.hpp"
#include "trace/event.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

struct VirtioHeader {
  static constexpr u8 needs_checksum = 1, data_valid = 2;
  static constexpr u8 gso_none = 0, gso_tcp_v4 = 1, gso_tcp_v6 = 4, gso_ecn = 0x80;
  static constexpr u32 size = 10;

  u8 flags = 0;
  u8 gso_type = gso_none;
  u16 header_length = 0;    // bytes before the payload that is split
  u16 segment_size = 0;     // payload bytes of each segment
  u16 checksum_start = 0;   // where the sum begins
  u16 checksum_offset = 0;  // where it goes, from there
};
static_assert(sizeof(VirtioHeader) == VirtioHeader::size);

/// What tells the kernel to finish `frame`: its checksum, and the split into segments.
VirtioHeader virtio_header_of(const wire::Frame& frame, trace::LinkType link_type);

/// Whether the kernel left out the checksum of a TCP segment that we receive, or has verified it.
bool tcp_checksum_is_good(const VirtioHeader& header);
/// Completes a checksum that the kernel left out and that is not TCP's: no host takes such frames.
/// A header that contradicts the frame changes nothing.
void finish_checksum(const VirtioHeader& header, MutBytes frame);

}  // namespace handfast::link
