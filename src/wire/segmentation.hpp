// A TCP super-segment cut into the packets that travel: what a device without segmentation offload
// does at the last step. Addresses, ports and options are repeated; sequence numbers and IPv4
// identifications count on; PSH and FIN belong to the last, CWR to the first (RFC 3168 §6.1.2).
#pragma once

#include "base/types.hpp"

namespace handfast::wire {

class Segmentation {
 public:
  /// `packet` is an IP packet without extension headers that holds a TCP segment; it may need no
  /// cut. `segment_size` is the payload of each piece in bytes; 0: one piece.
  Segmentation(Bytes packet, u16 segment_size);

  u32 count() const { return count_; }
  /// Writes piece `i` with its checksums to `out`, of at least size_max() bytes; returns its size.
  u32 emit(u32 i, MutBytes out) const;
  u32 size_max() const { return headers_ + piece_; }

 private:
  Bytes packet_;
  u32 ip_size_;
  u32 headers_;  // IP and TCP
  u32 piece_;    // payload bytes of each but the last
  u32 count_;
};

}  // namespace handfast::wire
