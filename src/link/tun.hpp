// TUN and TAP devices of Linux: a wire between us and the kernel. TUN carries IP packets, TAP
// Ethernet frames. Offloads use the header of virtio (virtio 1.2 §5.1.6), as vhost devices do.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "link/descriptor.hpp"
#include "link/device.hpp"
#include "link/error.hpp"
#include "wire/frame.hpp"

namespace handfast::link {

enum class TunMode : u8 { tun, tap };

struct TunOptions {
  std::string name{};  // at most 15 characters; empty: the kernel picks "tun0", "tun1", …
  TunMode mode = TunMode::tun;
  /// Leaves TCP checksums to the kernel and exchanges segments of up to 64 KiB with it.
  bool offload = false;
};

struct TunCounters {
  u64 frames_received = 0;
  u64 frames_sent = 0;
  u64 frames_refused = 0;  // the kernel did not take them: link down, or out of memory
};

class Tun {
 public:
  /// Opens the device `name`, or creates it where there is none; one that we create goes away with
  /// us. It comes as it is: configure() of interface.hpp brings it up.
  static Result<Tun, Error> open(const TunOptions& options);

  const std::string& name() const { return name_; }
  /// Non-blocking; readable when receive() has something. It stays ours.
  int fd() const { return device_.get(); }
  const TunCounters& counters() const { return counters_; }
  /// Why the device is of no use any more (it was removed), if so.
  const std::optional<Error>& fault() const { return fault_; }

  /// The MTU is the one that the interface has now. Asks the kernel: not for each packet.
  Caps caps() const;
  u32 receive(std::span<Received> in, Instant now);
  void release();
  std::span<wire::Frame> room();
  void transmit(u32 count, Instant now);
  Instant deadline() const { return never; }

 private:
  Tun(Descriptor device, std::string name, const TunOptions& options);

  void lend_header(u32 i);
  bool receive_one(Received& received);
  void transmit_one(const wire::Frame& frame);
  void note(int code);

  // A packet of 64 KiB with its Ethernet header. Memory is only touched where a frame needs it.
  static constexpr u32 slot_bytes = 65'536 + 64;
  // So many are dealt with before more are taken: they are still in the cache then.
  static constexpr u32 batch_bytes_max = 256u << 10;

  Descriptor device_;
  std::string name_;
  TunMode mode_ = TunMode::tun;
  bool offload_ = false;
  u32 lent_ = 0;
  u32 lent_bytes_ = 0;
  TunCounters counters_;
  std::optional<Error> fault_;
  std::unique_ptr<u8[]> slots_;    // batch_max of them
  std::unique_ptr<u8[]> headers_;  // batch_max of wire::Frame::header_room
  std::array<wire::Frame, batch_max> frames_{};
};

static_assert(Device<Tun> && std::is_nothrow_move_constructible_v<Tun>);

}  // namespace handfast::link
