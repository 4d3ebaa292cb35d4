// Which way a packet goes, and whether one that came is for us (RFC 1122 §3.3.1, RFC 8504 §5).
// The strong host model: an address belongs to its interface.
#pragma once

#include <array>
#include <optional>

#include "base/types.hpp"
#include "host/config.hpp"
#include "wire/address.hpp"

namespace handfast::host {

enum class Cast : u8 { unicast, broadcast, multicast };

/// The first step of the way to a destination.
struct Hop {
  Interface interface = 0;  // Routes::loopback() where the destination is ourselves
  Cast cast = Cast::unicast;
  wire::IpAddress next_hop{};
};

class Routes {
 public:
  /// `config` must outlive this and not change.
  explicit Routes(const Config& config) : config_(config) {}

  /// The interface beyond the configured ones: packets to ourselves.
  Interface loopback() const { return to<Interface>(config_.interfaces.size()); }
  bool is_ethernet(Interface interface) const {
    return interface != loopback() &&
           config_.interfaces[interface].link_type == trace::LinkType::ethernet;
  }
  u32 mtu(Interface interface) const {
    return interface == loopback() ? loopback_mtu : config_.interfaces[interface].mtu;
  }

  /// Longest prefix first, then a gateway. `prefer` decides where several interfaces would do, as
  /// for link-local and multicast destinations.
  std::optional<Hop> route(const wire::IpAddress& destination,
                           std::optional<Interface> prefer = std::nullopt) const {
    Found& found = found_[destination.octets[15] % found_.size()];
    if (found.destination != destination || found.prefer != prefer)
      found = {destination, prefer, find_route(destination, prefer)};
    return found.hop;
  }
  /// Our address to send from (RFC 6724, rules 1, 2 and 8 among the interface's addresses).
  std::optional<wire::IpAddress> source_for(const Hop& hop,
                                            const wire::IpAddress& destination) const;

  /// Whether `address` is one of ours, on any interface.
  bool is_ours(const wire::IpAddress& address) const;
  bool is_address_of(Interface interface, const wire::IpAddress& address) const;
  /// A number for one of our addresses, below 0xffff, and the address for a number. (127.0.0.0/8 is
  /// too large to have any.)
  u16 index_of(const wire::IpAddress& address) const;
  wire::IpAddress address_at(u16 index) const;
  /// How a packet to `destination` concerns us if it comes in there; none: it does not. Joined
  /// groups are not known here.
  std::optional<Cast> accepts(Interface in, const wire::IpAddress& destination) const;
  /// Whether `address` is reached on that link without a gateway.
  bool is_on_link(Interface interface, const wire::IpAddress& address) const;
  /// Whether it is the directed broadcast address of a prefix of that interface.
  bool is_subnet_broadcast(Interface interface, const wire::IpAddress& address) const;

 private:
  static constexpr u32 loopback_mtu = 16384;

  struct Found {
    wire::IpAddress destination;
    std::optional<Interface> prefer;
    std::optional<Hop> hop;
  };
  std::optional<Hop> find_route(const wire::IpAddress& destination,
                                std::optional<Interface> prefer) const;
  std::optional<Interface> interface_for_group(bool v4, std::optional<Interface> prefer) const;

  const Config& config_;
  // What was found: each step of a connection's beginning and end asks again. At first it is what
  // holds for the unspecified address, to which there is no way.
  mutable std::array<Found, 16> found_{};
};

/// fe80:: with the modified EUI-64 of `mac` (RFC 4291 appendix A).
wire::IpAddress link_local_of(const wire::MacAddress& mac);
/// Gives each Ethernet interface its link-local address (RFC 4291 §2.8) where it has none.
void add_link_locals(Config& config);

}  // namespace handfast::host
