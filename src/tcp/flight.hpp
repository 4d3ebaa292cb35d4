// What has been sent and not been acknowledged, segment by segment: when, how often, and what the
// peer's SACK blocks said (RFC 2018, RFC 6675). The bytes themselves stay in the send ring.
#pragma once

#include <vector>

#include "base/assert.hpp"
#include "base/object_pool.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/sequence.hpp"

namespace handfast::tcp {

/// One transmission, [start, end) in sequence numbers; SYN and FIN count one each.
struct Sent {
  u32 start = 0;
  u32 end = 0;
  Instant at{};  // of its last transmission
  u16 transmissions = 1;
  bool sacked : 1 = false;
  bool lost : 1 = false;         // to be sent again
  bool app_limited : 1 = false;  // RateSampler's, like what follows
  u32 delivered_before = 0;      // bytes
  u32 since_delivery = 0;        // µs
  u32 since_first = 0;           // µs
  u32 length() const { return end - start; }
};

/// An ordered queue of Sent without gaps, over a block that a pool lends.
class Flight {
 public:
  std::vector<Sent> records;  // live ones are [head, records.size())
  u32 head = 0;

  bool empty() const { return head == records.size(); }
  u32 size() const { return to<u32>(records.size()) - head; }
  Sent& operator[](u32 i) { return records[head + i]; }
  const Sent& operator[](u32 i) const { return records[head + i]; }
  Sent& back() { return records.back(); }
  void pop_front();
  /// Cuts record `i` at `sequence`, which must lie inside; both halves keep its history.
  void split(u32 i, u32 sequence);
  /// The record that holds `sequence`; size() where none does.
  u32 find(u32 sequence) const;
  /// The vector keeps its capacity, unless it is large.
  bool reset() {
    constexpr u32 records_kept_max = 1024;
    records.clear();
    head = 0;
    return records.capacity() <= records_kept_max;
  }
};

using FlightPool = ObjectPool<Flight, 4096>;

}  // namespace handfast::tcp
