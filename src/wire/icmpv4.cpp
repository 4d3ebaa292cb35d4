// The Internet Control Message Protocol, RFC 792; path MTU discovery, RFC 1191.
#include <variant>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp_messages.hpp"

namespace handfast::wire {
namespace {

enum Type : u8 {
  echo_reply = 0,
  destination_unreachable = 3,
  echo_request = 8,
  time_exceeded = 11,
  parameter_problem = 12,
};

// The codes of "destination unreachable" by number: RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
constexpr IcmpProblem unreachable_codes[] = {
    IcmpProblem::net_unreachable,       // 0: net
    IcmpProblem::host_unreachable,      // 1: host
    IcmpProblem::protocol_unreachable,  // 2: protocol
    IcmpProblem::port_unreachable,      // 3: port
    IcmpProblem::packet_too_big,        // 4: fragmentation needed and DF set
    IcmpProblem::host_unreachable,      // 5: source route failed
    IcmpProblem::net_unreachable,       // 6: destination network unknown
    IcmpProblem::host_unreachable,      // 7: destination host unknown
    IcmpProblem::host_unreachable,      // 8: source host isolated
    IcmpProblem::prohibited,            // 9: destination network, by an administrator
    IcmpProblem::prohibited,            // 10: destination host, by an administrator
    IcmpProblem::net_unreachable,       // 11: for that type of service
    IcmpProblem::host_unreachable,      // 12: for that type of service
    IcmpProblem::prohibited,            // 13: communication, by a filter
    IcmpProblem::prohibited,            // 14: host precedence violation
    IcmpProblem::prohibited,            // 15: precedence cut off
};

// What type and code mean, or nothing where they are no error of RFC 792.
std::optional<IcmpProblem> problem_of(IcmpKind kind) {
  switch (kind.type) {
    case destination_unreachable:
      if (kind.code >= std::size(unreachable_codes)) return std::nullopt;
      return unreachable_codes[kind.code];
    case time_exceeded:
      if (kind.code > 1) return std::nullopt;
      return IcmpProblem::time_exceeded;
    case parameter_problem:
      if (kind.code > 2) return std::nullopt;
      return IcmpProblem::parameter_problem;
    default: return std::nullopt;
  }
}

IcmpKind kind_of(IcmpProblem problem) {
  switch (problem) {
    case IcmpProblem::net_unreachable: return {destination_unreachable, 0};
    case IcmpProblem::host_unreachable: return {destination_unreachable, 1};
    case IcmpProblem::protocol_unreachable: return {destination_unreachable, 2};
    case IcmpProblem::port_unreachable: return {destination_unreachable, 3};
    case IcmpProblem::packet_too_big: return {destination_unreachable, 4};
    case IcmpProblem::prohibited: return {destination_unreachable, 13};
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
  // RFC 1191 §4 puts the MTU into the low half of the unused word, RFC 792 the pointer into its
  // first octet.
  if (*problem == IcmpProblem::packet_too_big) error.mtu = load_be16(message.data() + 6);
  if (*problem == IcmpProblem::parameter_problem) error.mtu = message[4];
  return error;
}

u32 write_icmpv4_error(const IcmpError& error, MutBytes out) {
  const IcmpKind wanted{error.type, error.code};
  const IcmpKind kind = problem_of(wanted) == error.problem ? wanted : kind_of(error.problem);
  u32 rest = 0;
  if (error.problem == IcmpProblem::packet_too_big) rest = error.mtu & 0xffff;
  if (error.problem == IcmpProblem::parameter_problem) rest = error.mtu << 24;
  return write_error(error, kind, rest, out);
}

}  // namespace

Result<IcmpMessage, Drop> parse_icmpv4(Bytes message) {
  if (message.size() < icmp_header_size) return failure(Drop::truncated);
  if (Checksum{}.add(message).sum() != 0xffff) return failure(Drop::bad_checksum);
  const u8 type = message[0];
  if (type != echo_request && type != echo_reply) return read_error(message);
  if (message[1] != 0) return failure(Drop::bad_type);
  return read_echo(message, type == echo_reply);
}

u32 emit_icmpv4(const IcmpMessage& message, MutBytes out) {
  u32 size = 0;
  if (const auto* echo = std::get_if<IcmpEcho>(&message)) {
    size = write_echo(*echo, echo->reply ? echo_reply : echo_request, out);
  } else {
    const auto* error = std::get_if<IcmpError>(&message);
    ASSERT(error != nullptr);  // discovery is ICMPv6's
    size = write_icmpv4_error(*error, out);
  }
  store_be16(out.data() + 2, 0);
  store_be16(out.data() + 2, checksum(out.first(size)));
  return size;
}

}  // namespace handfast::wire
