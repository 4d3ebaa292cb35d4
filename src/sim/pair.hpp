// Two hosts face to face, without applications, loops or faults: whoever holds the pair delivers
// frame by frame and moves the time. For what must stand between two frames: attackers, fuzzers,
// step-by-step tests. World is for everything else.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "host/host.hpp"

namespace handfast::sim {

class Pair {
 public:
  using Packet = std::vector<u8>;  // an IP packet

  explicit Pair(u64 seed, const tcp::Config& tcp = {}, trace::Sink* sink = nullptr);

  host::Host& host(u32 end) { return *hosts_[end]; }
  static wire::IpAddress address(u32 end) {
    return wire::IpAddress::v4(192, 0, 2, to<u8>(end + 1));
  }
  Instant now() const { return now_; }

  /// Call it after every verb on a host: takes what it wants to send.
  void collect();
  /// What is under way to `end`, oldest first.
  const std::deque<Packet>& under_way(u32 end) const { return under_way_[end]; }
  /// Hands the oldest to `end`; false where there is none.
  bool deliver_one(u32 end);
  /// Loses the oldest; false where there is none.
  bool lose_one(u32 end);
  /// Lets all the others overtake the oldest.
  void hold_back_one(u32 end);
  /// Hands over a packet that nobody sent.
  void inject(u32 end, Bytes packet);
  /// Delivers everything, and what follows from that, without time passing.
  void deliver_all();
  /// Moves on to the next deadline of either host; false where none comes within `limit`.
  bool wait(Duration limit);
  /// Lets `time` pass, with everything that it brings.
  void run_for(Duration time);
  /// The last packets that reached `end`, at most 16.
  const std::deque<Packet>& history(u32 end) const { return history_[end]; }
  /// No connection, no half-open entry, no TIME-WAIT record and no buffer is left.
  bool is_clean() const;

 private:
  static constexpr u32 history_max = 16;

  Instant now_{1h};
  std::array<std::optional<host::Host>, 2> hosts_;
  std::array<std::deque<Packet>, 2> under_way_;
  std::array<std::deque<Packet>, 2> history_;
};

}  // namespace handfast::sim
