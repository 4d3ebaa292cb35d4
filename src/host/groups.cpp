#include "host/groups.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/byte_order.hpp"
#include "wire/checksum.hpp"

namespace handfast::host {

namespace {

using wire::IpAddress;

enum Igmp : u8 { igmp_query = 0x11, igmp_v1_report = 0x12, igmp_report = 0x16, igmp_leave = 0x17 };
enum Mld : u8 { mld_query = 130, mld_report = 131, mld_done = 132, mld_v2_report = 143 };

constexpr u32 igmp_size = 8;
constexpr u32 mld_size = 24;
constexpr u8 protocol_igmp = 2;
constexpr Duration unsolicited_interval = 10s;  // RFC 2236 §8.10, RFC 2710 §7.10

constexpr IpAddress all_routers_v4 = IpAddress::v4(224, 0, 0, 2);
constexpr IpAddress all_systems_v4 = IpAddress::v4(224, 0, 0, 1);
constexpr IpAddress all_routers_v6{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

}  // namespace

bool Groups::join(Interface on, const IpAddress& address, Instant now) {
  now_ = now;
  Group* group = find(on, address);
  if (group == nullptr) {
    if (groups_.size() >= groups_max) return false;
    group = &groups_.emplace_back(Group{.interface = on, .address = address});
    // RFC 2236 §3: "it should be repeated once or twice after short delays".
    group->repeat = true;
    group->report_at = now + Duration(rng_.below(to<u64>(unsolicited_interval.count())));
    if (address != all_systems_v4) send(*group, Kind::report, now);
  }
  ++group->members;
  return true;
}

void Groups::leave(Interface on, const IpAddress& address) {
  Group* group = find(on, address);
  if (group == nullptr || --group->members > 0) return;
  send(*group, Kind::leave, now_);
  *group = groups_.back();
  groups_.pop_back();
}

bool Groups::is_joined(Interface in, const IpAddress& address) const {
  return const_cast<Groups&>(*this).find(in, address) != nullptr;
}

Groups::Group* Groups::find(Interface on, const IpAddress& address) {
  const auto found = std::ranges::find_if(
      groups_, [&](const Group& g) { return g.interface == on && g.address == address; });
  return found == groups_.end() ? nullptr : &*found;
}

void Groups::on_igmp(const Arrival& arrival, Bytes message) {
  if (message.size() < igmp_size)
    return network_.drop(wire::Drop::truncated, arrival.packet, arrival.now);
  if (wire::checksum(message) != 0)
    return network_.drop(wire::Drop::bad_checksum, arrival.packet, arrival.now);
  const IpAddress address = IpAddress::from_v4(message.data() + 4);
  switch (message[0]) {
    case igmp_query:
      // Tenths of a second; 0 is IGMPv1 and means 10 s (RFC 2236 §4).
      return on_query(arrival.interface, address, (message[1] == 0 ? 100 : message[1]) * 100ms,
                      arrival.now);
    case igmp_v1_report:
    case igmp_report: return on_report(arrival.interface, address);
    default: return network_.drop(wire::Drop::bad_type, arrival.packet, arrival.now);
  }
}

bool Groups::on_mld(const Arrival& arrival, Bytes message) {
  if (message.empty()) return false;
  const u8 type = message[0];
  if (type != mld_query && type != mld_report && type != mld_done && type != mld_v2_report)
    return false;
  const wire::IpHeader& ip = arrival.header;
  wire::Checksum sum;
  sum.add_pseudo_header(ip.source, ip.destination, wire::protocol_icmpv6, to<u32>(message.size()));
  if (message.size() < mld_size) {
    network_.drop(wire::Drop::truncated, arrival.packet, arrival.now);
  } else if (sum.add(message).sum() != 0xffff) {
    network_.drop(wire::Drop::bad_checksum, arrival.packet, arrival.now);
  } else if (!ip.source.is_link_local() || ip.hop_limit != 1) {
    // RFC 2710 §3: sent with a link-local source and a hop limit of 1.
    network_.drop(wire::Drop::bad_hop_limit, arrival.packet, arrival.now);
  } else if (type == mld_query) {
    on_query(arrival.interface, IpAddress::from_v6(message.data() + 8),
             load_be16(message.data() + 4) * 1ms, arrival.now);
  } else if (type == mld_report) {
    on_report(arrival.interface, IpAddress::from_v6(message.data() + 8));
  }
  return true;
}

// RFC 2236 §3: an answer for each group, "a random value between 0 and the Max Response Time".
void Groups::on_query(Interface in, const IpAddress& address, Duration delay_max, Instant now) {
  now_ = now;
  for (Group& group : groups_) {
    const bool asked = address.is_unspecified() || group.address == address;
    if (group.interface != in || !asked || group.address == all_systems_v4) continue;
    const Instant due = now + Duration(rng_.below(to<u64>(delay_max.count()) + 1));
    group.report_at = std::min(group.report_at, due);
  }
}

// Somebody else has reported the group: the router knows.
void Groups::on_report(Interface in, const IpAddress& address) {
  if (Group* group = find(in, address)) {
    group->report_at = never;
    group->repeat = false;
  }
}

Instant Groups::deadline() const {
  Instant first = never;
  for (const Group& group : groups_) first = std::min(first, group.report_at);
  return first;
}

void Groups::on_deadline(Instant now) {
  now_ = now;
  for (Group& group : groups_) {
    if (group.report_at > now) continue;
    group.report_at = never;
    group.repeat = false;
    send(group, Kind::report, now);
  }
}

void Groups::send(const Group& group, Kind kind, Instant now) {
  if (group.address.is_v4()) {
    send_igmp(group, kind, now);
  } else {
    send_mld(group, kind, now);
  }
}

// RFC 2236 §2: "sent with IP TTL 1, and contain the IP Router Alert option" (RFC 2113).
void Groups::send_igmp(const Group& group, Kind kind, Instant now) {
  constexpr std::array<u8, 4> router_alert{0x94, 4, 0, 0};
  const u32 size = wire::ipv4_header_size + router_alert.size() + igmp_size;
  const Hop hop{group.interface, Cast::multicast,
                kind == Kind::leave ? all_routers_v4 : group.address};
  const auto source = network_.routes.source_for(hop, hop.next_hop);
  const Packet packet = network_.take_packet(size);
  if (!source || packet.block.empty()) return network_.give_packet(packet);
  const wire::IpHeader header{.source = *source,
                              .destination = hop.next_hop,
                              .protocol = protocol_igmp,
                              .hop_limit = 1,
                              .identification = network_.next_identification()};
  u8* const at = packet.bytes().data();
  wire::emit_ip(header, router_alert.size() + igmp_size, packet.bytes());
  std::memcpy(at + wire::ipv4_header_size, router_alert.data(), router_alert.size());
  at[0] = 0x46;  // the option makes the header six words long
  const u32 header_size = wire::ipv4_header_size + router_alert.size();
  store_be16(at + 10, 0);
  store_be16(at + 10, wire::checksum(packet.bytes().first(header_size)));

  u8* const message = at + header_size;
  std::memset(message, 0, igmp_size);
  message[0] = kind == Kind::leave ? igmp_leave : igmp_report;
  std::memcpy(message + 4, group.address.v4_octets(), 4);
  store_be16(message + 2, wire::checksum({message, igmp_size}));
  network_.enqueue(packet, hop, now);
}

// RFC 2710 §3: hop limit 1 and the Router Alert option in a hop-by-hop header (RFC 2711).
void Groups::send_mld(const Group& group, Kind kind, Instant now) {
  constexpr u8 protocol_hop_by_hop = 0;
  constexpr std::array<u8, 8> router_alert{wire::protocol_icmpv6, 0, 5, 2, 0, 0, 1, 0};
  const Hop hop{group.interface, Cast::multicast,
                kind == Kind::leave ? all_routers_v6 : group.address};
  const IpAddress link_scope = all_routers_v6;  // the source has to be link-local
  const auto source = network_.routes.source_for(hop, link_scope);
  if (!source) return;
  std::array<u8, router_alert.size() + mld_size> body{};
  std::ranges::copy(router_alert, body.begin());
  u8* const message = body.data() + router_alert.size();
  message[0] = kind == Kind::leave ? mld_done : mld_report;
  std::memcpy(message + 8, group.address.octets.data(), 16);
  wire::Checksum sum;
  sum.add_pseudo_header(*source, hop.next_hop, wire::protocol_icmpv6, mld_size);
  store_be16(message + 2, sum.add({message, mld_size}).finish());
  const wire::IpHeader header{.source = *source,
                              .destination = hop.next_hop,
                              .protocol = protocol_hop_by_hop,
                              .hop_limit = 1};
  network_.send(header, body, hop, now);
}

}  // namespace handfast::host
