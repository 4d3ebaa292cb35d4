// Multicast groups that sockets have joined, told to routers by IGMP version 2 (RFC 2236) and MLD
// version 1 (RFC 2710), which newer routers still understand.
#pragma once

#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "host/network.hpp"
#include "wire/address.hpp"

namespace handfast::host {

class Groups {
 public:
  Groups(Network& network, Rng rng) : network_(network), rng_(rng) {}

  /// One more socket listens; false where Config allows no more groups.
  bool join(Interface on, const wire::IpAddress& address, Instant now);
  void leave(Interface on, const wire::IpAddress& address);
  bool is_joined(Interface in, const wire::IpAddress& address) const;

  void on_igmp(const Arrival& arrival, Bytes message);
  /// True where the message is MLD's; everything else of ICMPv6 is not for here.
  bool on_mld(const Arrival& arrival, Bytes message);
  Instant deadline() const;
  void on_deadline(Instant now);

 private:
  static constexpr u32 groups_max = 256;
  struct Group {
    Interface interface = 0;
    wire::IpAddress address{};
    u32 members = 0;
    Instant report_at = never;
    bool repeat = false;  // one more unsolicited report follows the first
  };
  enum class Kind : u8 { report, leave };

  Group* find(Interface on, const wire::IpAddress& address);
  void on_query(Interface in, const wire::IpAddress& address, Duration delay_max, Instant now);
  void on_report(Interface in, const wire::IpAddress& address);
  void send(const Group& group, Kind kind, Instant now);
  void send_igmp(const Group& group, Kind kind, Instant now);
  void send_mld(const Group& group, Kind kind, Instant now);

  Network& network_;
  Rng rng_;
  Instant now_{};  // of the last call that told it, for leave()
  std::vector<Group> groups_;
};

}  // namespace handfast::host
