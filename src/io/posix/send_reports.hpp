// What an application asked to be told about what it sent: that zero-copy memory is its own again
// (MSG_ZEROCOPY), and when bytes were scheduled, sent and acknowledged (SO_TIMESTAMPING). Positions
// are in bytes since the connection began.
#pragma once

#include <deque>

#include "base/time.hpp"
#include "io/posix/error_queue.hpp"

namespace handfast::io::posix {

class SendReports {
 public:
  /// How far the connection is: all before `sent` has left at least once, all before
  /// `acknowledged` has arrived.
  struct Progress {
    u64 sent = 0;
    u64 acknowledged = 0;
    bool over = false;  // nothing more will be sent or acknowledged
  };

  bool empty() const { return zerocopy_.empty() && stamps_.empty(); }
  /// A MSG_ZEROCOPY send that ends at `end`.
  void add_zerocopy(u64 end) { zerocopy_.push_back({next_zerocopy_++, end}); }
  /// A send that ends at `end`, under SO_TIMESTAMPING `flags`.
  void add_stamp(u64 end, u32 flags) {
    if ((flags & wanted) != 0) stamps_.push_back({end, flags});
  }
  /// SOF_TIMESTAMPING_OPT_ID was set: identifiers count from `position`.
  void count_from(u64 position) { first_byte_ = position; }
  /// Moves what has become true into `errors`; whether any did.
  bool take(const Progress& progress, Instant now, ErrorQueue& errors);

 private:
  static const u32 wanted;
  struct Zerocopy {
    u32 number;
    u64 end;
  };
  struct Stamp {
    u64 end;
    u32 flags;
    bool sent = false;
  };
  void report(const Stamp& stamp, u32 kind, Instant now, ErrorQueue& errors) const;

  std::deque<Zerocopy> zerocopy_;
  std::deque<Stamp> stamps_;
  u32 next_zerocopy_ = 0;
  u64 first_byte_ = 0;
};

}  // namespace handfast::io::posix
