// What a connection counts about itself once data flows. An idle connection that never carried
// any holds none of this.
#pragma once

#include <memory>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::tcp {

struct Tally {
  /// What the sender waits for, as Linux's "chronograph" tells them apart.
  enum class Wait : u8 { nothing, network, window, buffer };

  u64 bytes_acked = 0;
  u64 bytes_received = 0;
  u64 bytes_sent = 0;
  u64 bytes_retransmitted = 0;
  u32 segments_in = 0;
  u32 segments_out = 0;
  u32 data_segments_in = 0;
  u32 data_segments_out = 0;
  u32 retransmissions = 0;
  u32 delivered = 0;
  u32 delivered_ce = 0;
  u32 duplicates_reported = 0;
  u32 reordering_seen = 0;
  u32 out_of_order = 0;
  u32 timeouts = 0;
  u32 timeout_episodes = 0;
  Instant timeout_since{};  // zero: no episode now
  Duration timeout_time{};
  Instant data_received_at{};
  Instant ack_received_at{};

  Wait wait = Wait::nothing;
  Instant wait_since{};
  Duration waited_network{};
  Duration waited_window{};
  Duration waited_buffer{};

  /// The wait changes, and what passed is booked.
  void now_waits_for(Wait next, Instant now) {
    if (next == wait) return;
    book(now);
    wait = next;
  }
  void book(Instant now);
};

/// Tallies that were used and given back.
class TallyPool {
 public:
  std::unique_ptr<Tally> take();
  void give(std::unique_ptr<Tally> tally);

 private:
  static constexpr u32 kept_max = 1024;
  std::vector<std::unique_ptr<Tally>> free_;
};

}  // namespace handfast::tcp
