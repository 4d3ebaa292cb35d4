// How often one end had to wait for the other: round trips by cause and effect, not by the clock.
// An end knows what reached it. A segment carries that on, and each arrival is one step more; two
// steps are a round trip. So time-outs and slow applications cost time, and no round trips.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::trace {

/// What an end waited for: a handshake, an answer.
struct Phase {
  std::string what;   // "TCP", "TLS 1.3", "GET /"
  wire::Flow flow{};  // as the one who waits sees it
  Instant begin{};
  Instant end = never;  // while it goes on
  u32 round_trips = 0;
};

class RoundTrips {
 public:
  enum class Kind : u8 { tcp, tls, http };

  /// A segment leaves `endpoint`; the steps that it carries on.
  u32 sent(u32 endpoint, const wire::Flow& flow) const;
  /// A segment that carries `steps` arrives.
  void received(u32 endpoint, const wire::Flow& flow, u32 steps);

  void begin(Kind kind, u32 endpoint, const wire::Flow& flow, std::string what, Instant now);
  /// The one of its kind that goes on is over; false where there is none.
  bool end(Kind kind, u32 endpoint, const wire::Flow& flow, Instant now);
  /// The last one of its kind, until the next one begins; null where there was none.
  Phase* last(Kind kind, u32 endpoint, const wire::Flow& flow);

  /// In the order of their beginning.
  const std::vector<Phase>& phases() const { return phases_; }

 private:
  static constexpr std::size_t phases_max = 10'000;  // those beyond are not kept

  struct Last {
    std::size_t phase = 0;
    u32 steps = 0;  // when it began
  };
  std::map<std::pair<u32, wire::Flow>, u32> steps_;  // of each end of each connection
  std::map<std::tuple<Kind, u32, wire::Flow>, Last> last_;
  std::vector<Phase> phases_;
};

/// "1 round trip", "2 round trips".
std::string round_trips_text(u32 count);

}  // namespace handfast::trace
