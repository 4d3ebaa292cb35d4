// What ICMP (RFC 792) and ICMPv6 (RFC 4443) have in common.
#include "wire/icmp.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/icmp_messages.hpp"

namespace handfast::wire {

IcmpEcho read_echo(Bytes message, bool reply) {
  return {.reply = reply,
          .identifier = load_be16(message.data() + 4),
          .sequence = load_be16(message.data() + 6),
          .data = message.subspan(icmp_header_size)};
}

u32 write_echo(const IcmpEcho& echo, u8 type, MutBytes out) {
  const std::size_t size = icmp_header_size + echo.data.size();
  ASSERT(out.size() >= size);
  out[0] = type;
  out[1] = 0;
  store_be16(out.data() + 4, echo.identifier);
  store_be16(out.data() + 6, echo.sequence);
  std::ranges::copy(echo.data, out.begin() + icmp_header_size);
  return to<u32>(size);
}

u32 write_error(const IcmpError& error, IcmpKind kind, u32 rest, MutBytes out) {
  ASSERT(out.size() >= icmp_header_size);
  const Bytes original =
      error.original.first(std::min(error.original.size(), out.size() - icmp_header_size));
  out[0] = kind.type;
  out[1] = kind.code;
  store_be32(out.data() + 4, rest);
  std::ranges::copy(original, out.begin() + icmp_header_size);
  return icmp_header_size + to<u32>(original.size());
}

IpAddress solicited_node(const IpAddress& address) {
  ASSERT(address.is_v6());
  IpAddress group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::copy_n(address.octets.begin() + 13, 3, group.octets.begin() + 13);
  return group;
}

std::string_view to_string(IcmpProblem problem) {
  switch (problem) {
    case IcmpProblem::net_unreachable: return "network unreachable";
    case IcmpProblem::host_unreachable: return "host unreachable";
    case IcmpProblem::protocol_unreachable: return "protocol unreachable";
    case IcmpProblem::port_unreachable: return "port unreachable";
    case IcmpProblem::packet_too_big: return "packet too big";
    case IcmpProblem::prohibited: return "prohibited by an administrator";
    case IcmpProblem::time_exceeded: return "time exceeded";
    case IcmpProblem::parameter_problem: return "parameter problem";
  }
  return "unknown problem";
}

}  // namespace handfast::wire
