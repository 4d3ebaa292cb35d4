// Two hosts of ours face to face, in one thread, for bench-peers: what one sends the other is
// handed in its own memory, by one copy, up to 64 frames at a time.
#pragma once

#include <array>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "host/host.hpp"

namespace handfast::bench {

class HandfastPair {
 public:
  HandfastPair();

  /// The same cases as in lwip_pair.hpp.
  u64 bulk(u64 bytes);
  void open_close(u32 count, u32 slots);
  void exchange(u64 exchanges, u32 connections);
  void keep_idle(u32 count);
  /// From now on about `count` records of TIME-WAIT are there: time passes so that as many end as
  /// are made.
  void keep_time_wait(u32 count);

  host::Host::Census census() const { return left_.census(); }
  const host::Host& left() const { return left_; }
  const host::Host& right() const { return right_; }

 private:
  enum class Role : u8 { idle, sink, echo };
  static constexpr u32 batch = 64;
  static constexpr u32 slot_bytes = 2048;
  struct Wire {
    std::array<std::array<u8, slot_bytes>, batch> slots;
    std::array<wire::Frame, batch> frames;
  };

  void pump();
  bool hand_over(host::Host& from, host::Host& into);
  void serve();
  void follow();
  u32 take(host::Host& host, host::Conn handle);
  void put(host::Host& host, host::Conn handle, u32 size);
  host::Conn connect();
  void close_all();

  Instant now_{std::chrono::hours(24)};
  host::Host left_;
  host::Host right_;
  std::vector<host::Listen> listeners_;
  u32 next_listener_ = 0;
  Role role_ = Role::idle;
  Duration per_open_ = std::chrono::seconds(1);
  std::vector<host::Conn> clients_;
  std::vector<host::Conn> accepted_;
  u64 received_ = 0;
  u64 exchanges_left_ = 0;
  std::vector<u8> from_;
  std::vector<u8> into_;
  Wire wire_{};
};

}  // namespace handfast::bench
