// What a device is: something that gives and takes frames in batches. A concept and not a base
// class, so that no call per frame is virtual.
#pragma once

#include <concepts>
#include <span>

#include "base/time.hpp"
#include "base/types.hpp"
#include "trace/event.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

/// What a device can do.
struct Caps {
  trace::LinkType link_type = trace::LinkType::ip;
  u32 mtu = 1500;                 // bytes of IP packet
  bool checksum_offload = false;  // takes frames with `checksum_offloaded`, gives verified ones
  u32 segment_bytes_max = 0;      // 0: no segmentation offload; else the largest super-segment
};

/// One frame that came in, in the device's memory.
struct Received {
  Bytes frame = {};
  u16 segment_size = 0;  // of a received super-segment, else 0
  bool checksum_verified = false;
};

inline constexpr u32 batch_max = 64;  // frames a call

template <class D>
concept Device = requires(D d, std::span<Received> in, u32 count, Instant now) {
  { d.caps() } -> std::same_as<Caps>;
  // Fills up to in.size() frames and returns their number; they stay valid until release().
  { d.receive(in, now) } -> std::same_as<u32>;
  { d.release() } -> std::same_as<void>;
  // Frames with header room to fill; empty when the device can take no more now (backpressure).
  { d.room() } -> std::same_as<std::span<wire::Frame>>;
  // Sends the first `count` frames of the last room().
  { d.transmit(count, now) } -> std::same_as<void>;
  // When the device itself has something to do (an impaired one that holds frames back).
  { d.deadline() } -> std::same_as<Instant>;
};

}  // namespace handfast::link
