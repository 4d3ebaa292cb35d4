// Two devices back to back in memory: what one sends the other receives, in order and at once. A
// full queue lends no room, so nothing is lost. For tests and benchmarks, in one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/assert.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "link/device.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

struct MemoryPairOptions {
  Caps caps{};
  u32 queue_max = 256;  // frames that wait in each direction
};

class MemoryPair {
 public:
  class End;

  explicit MemoryPair(const MemoryPairOptions& options = {})
      : leftward_(options),
        rightward_(options),
        left_(options.caps, rightward_, leftward_),
        right_(options.caps, leftward_, rightward_) {}
  MemoryPair(const MemoryPair&) = delete;
  MemoryPair& operator=(const MemoryPair&) = delete;

  End& left() { return left_; }
  End& right() { return right_; }

 private:
  // A ring of frames in fixed slots. The header room that is lent is the slot itself, so a frame
  // without payload is not copied at all.
  class Channel {
   public:
    explicit Channel(const MemoryPairOptions& options)
        : slot_bytes_(std::max(options.caps.mtu, options.caps.segment_bytes_max) +
                      wire::Frame::header_room),
          slots_(options.queue_max),
          memory_(
              std::make_unique_for_overwrite<u8[]>(std::size_t{slot_bytes_} * options.queue_max)) {}

    u32 waiting() const { return waiting_; }
    u32 free() const { return to<u32>(slots_.size()) - waiting_; }
    MutBytes header_room(u32 ahead) { return {memory(waiting_ + ahead), wire::Frame::header_room}; }
    void push(const wire::Frame& frame) {
      ASSERT(free() > 0 && frame.size() <= slot_bytes_);
      u8* out = memory(waiting_);
      if (frame.header.data() != out) std::memmove(out, frame.header.data(), frame.header.size());
      out += frame.header.size();
      for (const Bytes piece : frame.payload) {
        if (piece.empty()) continue;
        std::memcpy(out, piece.data(), piece.size());
        out += piece.size();
      }
      slots_[index(waiting_)] = {frame.size(), frame.segment_size, frame.checksum_offloaded};
      ++waiting_;
    }
    Received peek(u32 ahead) {
      const Slot& slot = slots_[index(ahead)];
      return {{memory(ahead), slot.size}, slot.segment_size, slot.checksum_verified};
    }
    void pop(u32 count) {
      head_ = index(count);
      waiting_ -= count;
    }

   private:
    struct Slot {
      u32 size = 0;
      u16 segment_size = 0;
      bool checksum_verified = false;
    };
    u32 index(u32 ahead) const { return to<u32>((u64{head_} + ahead) % slots_.size()); }
    u8* memory(u32 ahead) { return memory_.get() + std::size_t{slot_bytes_} * index(ahead); }

    u32 slot_bytes_;
    u32 head_ = 0;
    u32 waiting_ = 0;
    std::vector<Slot> slots_;
    std::unique_ptr<u8[]> memory_;
  };

 public:
  /// One of the two devices.
  class End {
   public:
    End(const Caps& caps, Channel& out, Channel& in) : caps_(caps), out_(out), in_(in) {}
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    Caps caps() const { return caps_; }

    u32 receive(std::span<Received> in, Instant /*now*/) {
      const u32 count = std::min(in_.waiting() - lent_, to<u32>(in.size()));
      for (u32 i = 0; i < count; ++i) in[i] = in_.peek(lent_ + i);
      lent_ += count;
      return count;
    }
    void release() {
      in_.pop(lent_);
      lent_ = 0;
    }

    std::span<wire::Frame> room() {
      room_ = std::min(out_.free(), batch_max);
      for (u32 i = 0; i < room_; ++i) frames_[i] = {.header = out_.header_room(i)};
      return {frames_.data(), room_};
    }
    void transmit(u32 count, Instant /*now*/) {
      ASSERT(count <= room_);
      for (u32 i = 0; i < count; ++i) out_.push(frames_[i]);
      room_ = 0;
    }

    Instant deadline() const { return never; }

   private:
    Caps caps_;
    Channel& out_;
    Channel& in_;
    u32 lent_ = 0;
    u32 room_ = 0;
    std::array<wire::Frame, batch_max> frames_{};
  };

 private:
  Channel leftward_;
  Channel rightward_;
  End left_;
  End right_;
};

static_assert(Device<MemoryPair::End>);

}  // namespace handfast::link
