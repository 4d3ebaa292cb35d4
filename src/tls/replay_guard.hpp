// RFC 8446 §8: whoever saw a client's early data can send it again. A server takes it only with a
// ticket that it has not seen before, and only as long as it can remember that.
#pragma once

#include <array>
#include <vector>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/random.hpp"

namespace handfast::tls {

/// One for all servers that open the same tickets: where two share the tickets and not this, early
/// data can be replayed from one to the other.
class ReplayGuard {
 public:
  struct Config {
    /// §8.3: how far the age that a client tells may be from the ticket's own.
    Duration window = 10s;
    /// Tickets that are remembered, each for two to four windows. 32 bytes each, from the start.
    u32 tickets_max = 1 << 16;
  };
  struct Counters {
    u64 accepted = 0;
    u64 replayed = 0;
    u64 stale = 0;       // or from the future, or from before this guard
    u64 unknowable = 0;  // tickets_max are remembered already
  };
  ReplayGuard(const Config& config, crypto::Random& random, Instant now);

  /// `ticket` was issued at `issued` and comes back now, of which its client says that it is `age`
  /// old. True, once, where that is fresh and the first time; and then it is remembered.
  bool accept(Bytes ticket, Instant issued, Duration age, Instant now);
  const Counters& counters() const { return counters_; }

 private:
  /// A set of hashes, by open addressing; 0 is a free place.
  struct Generation {
    std::vector<u64> places;
    u32 count = 0;
    bool contains(u64 hash) const;
    void add(u64 hash);
  };
  void forget_old(Instant now);

  Config config_;
  SipKey key_;
  Instant started_;
  Instant turned_;  // when generations_[0] began
  std::array<Generation, 2> generations_;
  Counters counters_;
};

}  // namespace handfast::tls
