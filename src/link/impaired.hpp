// Any device, made bad in both directions. It offers no offloads: a fault must hit a frame as it
// would be on a wire.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "link/device.hpp"
#include "link/impairment.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

template <Device D>
class Impaired {
 public:
  /// `out` is done to what we send, `in` to what we receive. `inner` and `sink` must outlive this.
  /// The device's link type and frame size are filled in.
  Impaired(D& inner, ImpairmentOptions out, ImpairmentOptions in, Rng rng,
           trace::Sink* sink = nullptr)
      : inner_(inner),
        out_(fit(std::move(out)), rng.fork(), sink),
        in_(fit(std::move(in)), rng.fork(), sink),
        headers_(std::make_unique<u8[]>(std::size_t{batch_max} * wire::Frame::header_room)) {}

  Caps caps() const {
    Caps caps = inner_.caps();
    caps.checksum_offload = false;
    caps.segment_bytes_max = 0;
    return caps;
  }

  /// Also moves on what waits to be sent: call it when deadline() has come.
  u32 receive(std::span<Received> in, Instant now) {
    pump_out(now);
    pump_in(now);
    u32 count = 0;
    while (count < in.size()) {
      const auto frame = in_.poll(now);
      if (!frame) break;
      in[count++] = *frame;
    }
    return count;
  }
  void release() {}  // what in_ lent stays until the next frame enters it

  std::span<wire::Frame> room() {
    for (u32 i = 0; i < batch_max; ++i) {
      u8* header = headers_.get() + std::size_t{i} * wire::Frame::header_room;
      frames_[i] = {.header = {header, wire::Frame::header_room}};
    }
    return frames_;
  }
  void transmit(u32 count, Instant now) {
    ASSERT(count <= frames_.size());
    for (u32 i = 0; i < count; ++i) out_.on_frame(frames_[i], now);
    pump_out(now);
  }

  /// While the inner device takes nothing, what waits for it is no reason to wake up.
  Instant deadline() const {
    const Instant out = blocked_ ? never : out_.deadline();
    return std::min({inner_.deadline(), in_.deadline(), out});
  }

  Impairment& outgoing() { return out_; }
  Impairment& incoming() { return in_; }

 private:
  ImpairmentOptions fit(ImpairmentOptions options) const {
    const Caps caps = inner_.caps();
    options.link_type = caps.link_type;
    options.frame_bytes_max = std::max(caps.mtu, caps.segment_bytes_max) + wire::Frame::header_room;
    return options;
  }

  void pump_in(Instant now) {
    std::array<Received, batch_max> batch;
    u32 count = 0;
    u32 rounds = 0;
    do {
      count = inner_.receive(batch, now);
      for (u32 i = 0; i < count; ++i) in_.on_frame(batch[i], now);
      inner_.release();
    } while (count == batch_max && ++rounds < rounds_max);
  }

  void pump_out(Instant now) {
    blocked_ = false;
    while (out_.deadline() <= now) {
      const std::span<wire::Frame> room = inner_.room();
      if (room.empty()) {
        blocked_ = true;
        return;
      }
      u32 count = 0;
      while (count < room.size()) {
        const auto frame = out_.poll(now);
        if (!frame) break;
        fill(room[count++], *frame);
      }
      inner_.transmit(count, now);
    }
  }

  static void fill(wire::Frame& out, const Received& frame) {
    const std::size_t head = std::min(frame.frame.size(), out.header.size());
    std::memcpy(out.header.data(), frame.frame.data(), head);
    out.header = out.header.first(head);
    out.payload[0] = frame.frame.subspan(head);
  }

  static constexpr u32 rounds_max = 16;  // batches taken in at one go

  D& inner_;
  Impairment out_;
  Impairment in_;
  std::unique_ptr<u8[]> headers_;
  std::array<wire::Frame, batch_max> frames_{};
  bool blocked_ = false;
};

}  // namespace handfast::link
