// An IP packet in a block of our own, with room before it for an Ethernet header.
#pragma once

#include "base/types.hpp"
#include "host/fifo.hpp"
#include "wire/ethernet.hpp"

namespace handfast::host {

/// Owned by exactly one queue at a time and given back to the pool it came from.
struct Packet {
  static constexpr u32 headroom = wire::ethernet_header_size;

  MutBytes block{};     // as the pool lent it
  u32 size = 0;         // bytes of IP (or ARP) packet
  bool framed = false;  // the Ethernet header is in place

  MutBytes bytes() const { return block.subspan(headroom, size); }
  /// The frame: what goes to the device.
  MutBytes frame() const { return framed ? block.first(std::size_t{headroom} + size) : bytes(); }
};
using PacketQueue = Fifo<Packet>;

}  // namespace handfast::host
