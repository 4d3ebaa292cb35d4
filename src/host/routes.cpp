#include "host/routes.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/icmp.hpp"

namespace handfast::host {

namespace {

using wire::IpAddress;

constexpr IpAddress all_systems = IpAddress::v4(224, 0, 0, 1);
constexpr IpAddress all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// The last address of an IPv4 prefix.
bool is_broadcast_of(const InterfaceAddress& ours, const IpAddress& address) {
  if (ours.address.is_v6() || ours.prefix_length >= 31) return false;
  const u32 host_part = 0xffffffffu >> ours.prefix_length;
  const u32 last = load_be32(ours.address.v4_octets()) | host_part;
  return address.is_v4() && load_be32(address.v4_octets()) == last;
}

u32 common_bits(const IpAddress& a, const IpAddress& b) {
  for (u32 i = 0; i < 16; ++i) {
    const u8 differing = to<u8>(a.octets[i] ^ b.octets[i]);
    if (differing != 0) return i * 8 + to<u32>(std::countl_zero(differing));
  }
  return 128;
}

bool stays_on_link(const IpAddress& destination) {
  if (destination.is_link_local()) return true;
  return destination.is_v6() && destination.is_multicast() && (destination.octets[1] & 0x0f) <= 2;
}

}  // namespace

std::optional<Hop> Routes::find_route(const IpAddress& destination,
                                      std::optional<Interface> prefer) const {
  if (prefer == loopback()) prefer.reset();
  if (is_ours(destination)) return Hop{loopback(), Cast::unicast, destination};
  if (destination.is_unspecified()) return std::nullopt;
  if (destination.is_multicast() || destination.is_limited_broadcast()) {
    const auto interface = interface_for_group(destination.is_v4(), prefer);
    if (!interface) return std::nullopt;
    const bool group = destination.is_multicast();
    return Hop{*interface, group ? Cast::multicast : Cast::broadcast, destination};
  }

  std::optional<Hop> best;
  int best_length = -1;
  for (Interface i = 0; i < loopback(); ++i) {
    for (const InterfaceAddress& ours : config_.interfaces[i].addresses) {
      if (!destination.in_prefix(ours.address, ours.prefix_length)) continue;
      const int length = 2 * ours.prefix_length + (prefer == i ? 1 : 0);
      if (length <= best_length) continue;
      best_length = length;
      best =
          Hop{i, is_broadcast_of(ours, destination) ? Cast::broadcast : Cast::unicast, destination};
    }
  }
  if (best || stays_on_link(destination)) return best;

  for (Interface i = 0; i < loopback(); ++i) {
    const InterfaceConfig& at = config_.interfaces[i];
    const auto& gateway = destination.is_v4() ? at.gateway_v4 : at.gateway_v6;
    if (gateway && (!best || prefer == i)) best = Hop{i, Cast::unicast, *gateway};
  }
  return best;
}

std::optional<IpAddress> Routes::source_for(const Hop& hop, const IpAddress& destination) const {
  if (hop.interface == loopback()) return destination;
  std::optional<IpAddress> best;
  u32 best_score = 0;
  for (const InterfaceAddress& ours : config_.interfaces[hop.interface].addresses) {
    if (ours.address.is_v4() != destination.is_v4()) continue;
    const bool scope_fits = ours.address.is_link_local() == stays_on_link(destination);
    const u32 score = (scope_fits ? 1000 : 1) + common_bits(ours.address, hop.next_hop);
    if (score <= best_score) continue;
    best_score = score;
    best = ours.address;
  }
  return best;
}

bool Routes::is_ours(const IpAddress& address) const {
  if (address.is_loopback()) return true;
  for (Interface i = 0; i < loopback(); ++i)
    if (is_address_of(i, address)) return true;
  return false;
}

bool Routes::is_address_of(Interface interface, const IpAddress& address) const {
  if (interface == loopback()) return is_ours(address);
  const auto& addresses = config_.interfaces[interface].addresses;
  return std::ranges::any_of(addresses, [&](const auto& ours) { return ours.address == address; });
}

u16 Routes::index_of(const IpAddress& address) const {
  ASSERT(is_ours(address));
  u16 index = 0;  // ::1
  if (address.is_loopback()) return index;
  for (const InterfaceConfig& interface : config_.interfaces)
    for (const InterfaceAddress& ours : interface.addresses)
      if (++index; ours.address == address) return index;
  return 0;
}

IpAddress Routes::address_at(u16 index) const {
  if (index == 0) return wire::loopback_v6;
  for (const InterfaceConfig& interface : config_.interfaces) {
    if (index <= interface.addresses.size()) return interface.addresses[index - 1u].address;
    index = to<u16>(index - interface.addresses.size());
  }
  ASSERT(index == 0);  // else it is nobody's
  return {};
}

std::optional<Cast> Routes::accepts(Interface in, const IpAddress& destination) const {
  if (is_address_of(in, destination)) return Cast::unicast;
  if (in == loopback()) return std::nullopt;
  if (destination.is_limited_broadcast() || is_subnet_broadcast(in, destination))
    return Cast::broadcast;
  if (destination == all_systems || destination == all_nodes) return Cast::multicast;
  if (!destination.is_multicast() || destination.is_v4()) return std::nullopt;
  for (const InterfaceAddress& ours : config_.interfaces[in].addresses)
    if (ours.address.is_v6() && wire::solicited_node(ours.address) == destination)
      return Cast::multicast;
  return std::nullopt;
}

bool Routes::is_on_link(Interface interface, const IpAddress& address) const {
  const auto& addresses = config_.interfaces[interface].addresses;
  return std::ranges::any_of(addresses, [&](const InterfaceAddress& ours) {
    return address.in_prefix(ours.address, ours.prefix_length);
  });
}

bool Routes::is_subnet_broadcast(Interface interface, const IpAddress& address) const {
  if (interface == loopback() || address.is_v6()) return false;
  const auto& addresses = config_.interfaces[interface].addresses;
  return std::ranges::any_of(addresses,
                             [&](const auto& ours) { return is_broadcast_of(ours, address); });
}

std::optional<Interface> Routes::interface_for_group(bool v4,
                                                     std::optional<Interface> prefer) const {
  const auto speaks = [&](Interface i) {
    return std::ranges::any_of(config_.interfaces[i].addresses,
                               [&](const auto& ours) { return ours.address.is_v4() == v4; });
  };
  if (prefer && *prefer < loopback() && speaks(*prefer)) return prefer;
  for (Interface i = 0; i < loopback(); ++i)
    if (speaks(i)) return i;
  return std::nullopt;
}

IpAddress link_local_of(const wire::MacAddress& mac) {
  const auto& m = mac.octets;
  return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, to<u8>(m[0] ^ 0x02), m[1], m[2], 0xff, 0xfe, m[3], m[4],
           m[5]}};
}

void add_link_locals(Config& config) {
  for (InterfaceConfig& interface : config.interfaces) {
    if (interface.link_type != trace::LinkType::ethernet) continue;
    const bool has_one = std::ranges::any_of(interface.addresses, [](const auto& ours) {
      return ours.address.is_v6() && ours.address.is_link_local();
    });
    if (!has_one) interface.addresses.push_back({link_local_of(interface.mac), 64});
  }
}

}  // namespace handfast::host
