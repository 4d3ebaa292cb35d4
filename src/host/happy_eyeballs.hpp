// RFC 8305: which of a host's addresses is tried when, so that a broken IPv6 (or IPv4) costs a
// quarter of a second and not a time-out. Sans I/O; the first attempt that connects wins.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::host {

class HappyEyeballs {
 public:
  struct Config {
    Duration resolution_delay = 50ms;  // §3: how long IPv4 waits for IPv6's addresses
    Duration attempt_delay = 250ms;    // §5: between attempts
    u32 addresses_max = 32;
  };
  HappyEyeballs() = default;
  explicit HappyEyeballs(const Config& config) : config_(config) {}

  enum class Family : u8 { v6, v4 };
  /// All addresses of one family are known, in the order in which they should be tried; or there
  /// are none. Once for each family.
  void on_addresses(Family family, std::span<const wire::IpAddress> addresses, Instant now);
  /// An attempt has failed: the next need not wait.
  void on_failure(Instant now);

  /// The address to which an attempt begins now; empty: none does.
  std::optional<wire::IpAddress> poll_attempt(Instant now);
  /// When poll_attempt() is to be asked again.
  Instant deadline() const;

  /// Nothing is under way, and nothing more will be tried.
  bool is_exhausted() const;
  u32 attempts() const { return begun_; }

 private:
  struct Side {
    std::vector<wire::IpAddress> left;  // the next one at the end
    bool is_known = false;
  };
  Side& side(Family family) { return sides_[to<u8>(family)]; }
  const Side& side(Family family) const { return sides_[to<u8>(family)]; }
  bool may_begin() const;

  Config config_{};
  std::array<Side, 2> sides_{};
  Family next_ = Family::v6;  // §4: interleaved, IPv6 first
  Instant earliest_{};        // for the next attempt
  u32 begun_ = 0;
  u32 failed_ = 0;
};

}  // namespace handfast::host
