// A frame on its way out: a gather list that the device writes in one call.
#pragma once

#include <array>

#include "base/types.hpp"

namespace handfast::wire {

/// Room in, bytes out. The device lends `header` with `header_room` bytes; the host cuts it to what
/// it wrote. A device may lend more, and have small frames whole in it. Payload pieces stay valid
/// until the next call into the host.
struct Frame {
  static constexpr u32 header_room = 256;  // bytes

  MutBytes header = {};
  std::array<Bytes, 2> payload{};
  /// 0, or the TCP payload bytes of each segment into which the device splits this one.
  u16 segment_size = 0;
  /// The TCP checksum is left to the device; the field holds the pseudo-header's sum.
  bool checksum_offloaded = false;

  u32 size() const { return to<u32>(header.size() + payload[0].size() + payload[1].size()); }
};

}  // namespace handfast::wire
