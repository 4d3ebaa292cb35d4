// ICMPv6, RFC 4443, with neighbour discovery, RFC 4861.
#include <algorithm>
#include <cstring>
#include <variant>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp_messages.hpp"
#include "wire/ip.hpp"

namespace handfast::wire {
namespace {

enum Type : u8 {
  destination_unreachable = 1,
  packet_too_big = 2,
  time_exceeded = 3,
  parameter_problem = 4,
  echo_request = 128,
  echo_reply = 129,
  router_solicitation = 133,
  router_advertisement = 134,
  neighbour_solicitation = 135,
  neighbour_advertisement = 136,
};

constexpr u8 source_link_layer = 1;  // options, RFC 4861 §4.6.1
constexpr u8 target_link_layer = 2;

constexpr u32 neighbour_size = 24;  // bytes before the options
constexpr u32 router_solicitation_size = 8;
constexpr u32 router_advertisement_size = 16;
constexpr u32 link_layer_option_size = 8;

constexpr u8 flag_router = 0x80;
constexpr u8 flag_solicited = 0x40;
constexpr u8 flag_override = 0x20;

// The codes of "destination unreachable" by number, RFC 4443 §3.1.
constexpr IcmpProblem unreachable_codes[] = {
    IcmpProblem::net_unreachable,   // 0: no route
    IcmpProblem::prohibited,        // 1: by an administrator
    IcmpProblem::host_unreachable,  // 2: beyond the scope of the source address
    IcmpProblem::host_unreachable,  // 3: address
    IcmpProblem::port_unreachable,  // 4: port
    IcmpProblem::prohibited,        // 5: source address failed ingress or egress policy
    IcmpProblem::prohibited,        // 6: reject route
};

// Codes that came later than we did mean what their type means.
std::optional<IcmpProblem> problem_of(IcmpKind kind) {
  switch (kind.type) {
    case destination_unreachable:
      if (kind.code >= std::size(unreachable_codes)) return IcmpProblem::host_unreachable;
      return unreachable_codes[kind.code];
    case packet_too_big: return IcmpProblem::packet_too_big;
    case time_exceeded: return IcmpProblem::time_exceeded;
    case parameter_problem:
      // §3.4, code 1: "unrecognized Next Header type encountered".
      return kind.code == 1 ? IcmpProblem::protocol_unreachable : IcmpProblem::parameter_problem;
    default: return std::nullopt;
  }
}

IcmpKind kind_of(IcmpProblem problem) {
  switch (problem) {
    case IcmpProblem::net_unreachable: return {destination_unreachable, 0};
    case IcmpProblem::host_unreachable: return {destination_unreachable, 3};
    case IcmpProblem::protocol_unreachable: return {parameter_problem, 1};
    case IcmpProblem::port_unreachable: return {destination_unreachable, 4};
    case IcmpProblem::packet_too_big: return {packet_too_big, 0};
    case IcmpProblem::prohibited: return {destination_unreachable, 1};
    case IcmpProblem::time_exceeded: return {time_exceeded, 0};
    case IcmpProblem::parameter_problem: return {parameter_problem, 0};
  }
  return {};
}

Result<IcmpMessage, Drop> read_error(Bytes message) {
  const IcmpKind kind{message[0], message[1]};
  const auto problem = problem_of(kind);
  if (!problem) return failure(Drop::bad_type);
  IcmpError error{.problem = *problem,
                  .type = kind.type,
                  .code = kind.code,
                  .original = message.subspan(icmp_header_size)};
  if (kind.type == packet_too_big || kind.type == parameter_problem)
    error.mtu = load_be32(message.data() + 4);
  return error;
}

// The options of a discovery message: the link-layer address in the one of kind `wanted`, if it is
// there and is Ethernet's.
Result<std::optional<MacAddress>, Drop> read_options(Bytes options, u8 wanted) {
  std::optional<MacAddress> found;
  while (!options.empty()) {
    if (options.size() < 2) return failure(Drop::truncated);
    // RFC 4861 §4.6: "Nodes MUST silently discard an ND packet that contains an option with length
    // zero".
    if (options[1] == 0) return failure(Drop::bad_option);
    const u32 size = options[1] * 8u;
    if (size > options.size()) return failure(Drop::truncated);
    if (options[0] == wanted && size == link_layer_option_size) {
      found.emplace();
      std::memcpy(found->octets.data(), options.data() + 2, 6);
      if (found->is_group()) return failure(Drop::bad_address);
    }
    options = options.subspan(size);
  }
  return found;
}

// RFC 4861 §7.1.1 and §7.1.2, but for hop limit, code and checksum.
Result<IcmpMessage, Drop> read_neighbour(Bytes message, const IpAddress& source,
                                         const IpAddress& destination) {
  if (message.size() < neighbour_size) return failure(Drop::truncated);
  const u8 flags = message[4];
  const bool advertisement = message[0] == neighbour_advertisement;
  NeighbourMessage result{.advertisement = advertisement,
                          .target = IpAddress::from_v6(message.data() + 8)};
  if (result.target.is_multicast() || result.target.is_v4()) return failure(Drop::bad_address);
  const auto link_layer = read_options(message.subspan(neighbour_size),
                                       advertisement ? target_link_layer : source_link_layer);
  if (!link_layer) return failure(link_layer.error());
  result.link_layer = *link_layer;
  if (advertisement) {
    result.router = (flags & flag_router) != 0;
    result.solicited = (flags & flag_solicited) != 0;
    result.override = (flags & flag_override) != 0;
    // "If the IP Destination Address is a multicast address the Solicited flag is zero."
    if (destination.is_multicast() && result.solicited) return failure(Drop::bad_address);
    return result;
  }
  if (source == any_v6) {
    // Duplicate address detection: it goes to the solicited-node group and names no sender.
    if (destination != solicited_node(result.target)) return failure(Drop::bad_address);
    if (result.link_layer) return failure(Drop::bad_option);
  }
  return result;
}

// RFC 4861 §6.1.1 and §6.1.2.
Result<IcmpMessage, Drop> read_router(Bytes message, const IpAddress& source) {
  const bool advertisement = message[0] == router_advertisement;
  const u32 size = advertisement ? router_advertisement_size : router_solicitation_size;
  if (message.size() < size) return failure(Drop::truncated);
  const auto link_layer = read_options(message.subspan(size), source_link_layer);
  if (!link_layer) return failure(link_layer.error());
  if (advertisement && !source.is_link_local()) return failure(Drop::bad_address);
  if (!advertisement && source == any_v6 && *link_layer) return failure(Drop::bad_option);
  return RouterMessage{.advertisement = advertisement};
}

u32 write_icmpv6_error(const IcmpError& error, MutBytes out) {
  const IcmpKind wanted{error.type, error.code};
  const IcmpKind kind = problem_of(wanted) == error.problem ? wanted : kind_of(error.problem);
  const bool has_word = kind.type == packet_too_big || kind.type == parameter_problem;
  return write_error(error, kind, has_word ? error.mtu : 0, out);
}

u32 write_neighbour(const NeighbourMessage& message, MutBytes out) {
  const u32 size = neighbour_size + (message.link_layer ? link_layer_option_size : 0u);
  ASSERT(out.size() >= size && message.target.is_v6());
  u8* at = out.data();
  std::memset(at, 0, size);
  at[0] = message.advertisement ? neighbour_advertisement : neighbour_solicitation;
  if (message.router) at[4] |= flag_router;
  if (message.solicited) at[4] |= flag_solicited;
  if (message.override) at[4] |= flag_override;
  std::memcpy(at + 8, message.target.octets.data(), 16);
  if (message.link_layer) {
    at[24] = message.advertisement ? target_link_layer : source_link_layer;
    at[25] = link_layer_option_size / 8;
    std::memcpy(at + 26, message.link_layer->octets.data(), 6);
  }
  return size;
}

u32 write_router(const RouterMessage& message, MutBytes out) {
  const u32 size = message.advertisement ? router_advertisement_size : router_solicitation_size;
  ASSERT(out.size() >= size);
  std::memset(out.data(), 0, size);
  out[0] = message.advertisement ? router_advertisement : router_solicitation;
  return size;
}

}  // namespace

Result<IcmpMessage, Drop> parse_icmpv6(Bytes message, const IpAddress& source,
                                       const IpAddress& destination, u8 hop_limit) {
  if (message.size() < icmp_header_size) return failure(Drop::truncated);
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_icmpv6, to<u32>(message.size()));
  if (sum.add(message).sum() != 0xffff) return failure(Drop::bad_checksum);
  const u8 type = message[0];
  if (type < echo_request) return read_error(message);
  const bool discovery = type >= router_solicitation && type <= neighbour_advertisement;
  if ((!discovery && type != echo_request && type != echo_reply) || message[1] != 0)
    return failure(Drop::bad_type);
  if (!discovery) return read_echo(message, type == echo_reply);
  // RFC 4861 §6.1, §7.1: no router has forwarded what still has 255.
  if (hop_limit != 255) return failure(Drop::bad_hop_limit);
  if (type >= neighbour_solicitation) return read_neighbour(message, source, destination);
  return read_router(message, source);
}

u32 emit_icmpv6(const IcmpMessage& message, const IpAddress& source, const IpAddress& destination,
                MutBytes out) {
  u32 size = 0;
  if (const auto* echo = std::get_if<IcmpEcho>(&message))
    size = write_echo(*echo, echo->reply ? echo_reply : echo_request, out);
  else if (const auto* error = std::get_if<IcmpError>(&message))
    size = write_icmpv6_error(*error, out);
  else if (const auto* neighbour = std::get_if<NeighbourMessage>(&message))
    size = write_neighbour(*neighbour, out);
  else if (const auto* router = std::get_if<RouterMessage>(&message))
    size = write_router(*router, out);
  store_be16(out.data() + 2, 0);
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_icmpv6, size).add(out.first(size));
  store_be16(out.data() + 2, sum.finish());
  return size;
}

}  // namespace handfast::wire
