// Path MTUs that routers told us (RFC 1191 §6, RFC 8201 §5.2), for a while. A keyed table of fixed
// size: a stranger can neither make it grow nor aim at one entry.
#pragma once

#include <vector>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::host {

class PathMtus {
 public:
  explicit PathMtus(const SipKey& key) : key_(key), entries_(entry_count) {}

  /// The smaller of `link_mtu` and what is known, in bytes of IP packet.
  u32 get(const wire::IpAddress& destination, u32 link_mtu, Instant now) const;
  void set(const wire::IpAddress& destination, u32 mtu, Instant now);

 private:
  static constexpr u32 entry_count = 1024;
  static constexpr Duration lifetime = 600s;  // RFC 1191 §6.3, RFC 8201 §4: ten minutes

  struct Entry {
    wire::IpAddress destination{};
    u32 mtu = 0;
    Instant expiry{};
  };
  u32 place_of(const wire::IpAddress& destination) const {
    return to<u32>(siphash(key_, destination.octets)) % entry_count;
  }

  SipKey key_;
  std::vector<Entry> entries_;
  bool any_known_ = false;  // most hosts never hear of one
};

}  // namespace handfast::host
