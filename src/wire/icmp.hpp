// ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443) with neighbour discovery (RFC 4861).
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

/// Echo request or reply. The data is echoed as it came.
struct IcmpEcho {
  bool reply = false;
  u16 identifier = 0;
  u16 sequence = 0;
  Bytes data = {};
};

/// What went wrong, the same for both versions.
enum class IcmpProblem : u8 {
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  packet_too_big,     // `mtu` is the next hop's (RFC 1191 §4, RFC 8201)
  prohibited,         // by an administrator or a firewall
  time_exceeded,      // in transit, or while reassembling
  parameter_problem,  // `mtu` holds the pointer
};
std::string_view to_string(IcmpProblem problem);

struct IcmpError {
  IcmpProblem problem = IcmpProblem::host_unreachable;
  u8 type = 0;  // as on the wire; emit takes them where they mean `problem`
  u8 code = 0;
  u32 mtu = 0;
  Bytes original = {};  // the packet that caused it, as much as came
};

/// Neighbour solicitation (RFC 4861 §4.3) or advertisement (§4.4).
struct NeighbourMessage {
  bool advertisement = false;
  IpAddress target = {};
  std::optional<MacAddress> link_layer = {};  // source (solicitation) or target link-layer option
  bool router = false;
  bool solicited = false;
  bool override = false;
  friend bool operator==(const NeighbourMessage&, const NeighbourMessage&) = default;
};
/// Router advertisement or solicitation: recognised, so that it can be counted and traced.
struct RouterMessage {
  bool advertisement = false;
  friend bool operator==(const RouterMessage&, const RouterMessage&) = default;
};

using IcmpMessage = std::variant<IcmpEcho, IcmpError, NeighbourMessage, RouterMessage>;

/// What is neither an echo, an error nor (ICMPv6) discovery is Drop::bad_type: redirects, source
/// quench (RFC 6633), router and group messages have no use here.
Result<IcmpMessage, Drop> parse_icmpv4(Bytes message);
/// `hop_limit` is that of the IP packet: neighbour discovery insists on 255.
Result<IcmpMessage, Drop> parse_icmpv6(Bytes message, const IpAddress& source,
                                       const IpAddress& destination, u8 hop_limit);

/// Writes the message with its checksum; returns its size. An error's `type` and `code` go out if
/// they mean its `problem`, else the usual ones for that; its `original` is cut so that the message
/// has at most `out.size()` bytes. All else must fit. Discovery is ICMPv6's only; a router
/// advertisement goes out as that of a node that is no router: all fields 0.
u32 emit_icmpv4(const IcmpMessage& message, MutBytes out);
u32 emit_icmpv6(const IcmpMessage& message, const IpAddress& source, const IpAddress& destination,
                MutBytes out);

/// ff02::1:ffXX:XXXX for an address (RFC 4291 §2.7.1).
IpAddress solicited_node(const IpAddress& address);

}  // namespace handfast::wire
