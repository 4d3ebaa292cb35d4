// What the consumers of a trace agree on when they tell people about TCP and TLS.
#pragma once

#include <string>
#include <string_view>

#include "base/types.hpp"
#include "trace/stream_event.hpp"
#include "wire/tcp.hpp"

namespace handfast::trace {

/// RFC 9293's name of a state, short where the long one would break a column.
constexpr std::string_view short_state(std::string_view name) {
  return name == "SYN_RECEIVED" ? std::string_view{"SYN_RCVD"} : name;
}

/// These states are entered by a user call, which sends a SYN or a FIN. All others are entered
/// because a segment came or a timer ran out.
constexpr bool entered_by_call(std::string_view name) {
  return name == "SYN_SENT" || name == "FIN_WAIT_1" || name == "LAST_ACK";
}

/// SEG.LEN of a segment whose payload is known by its length only.
inline u32 sequence_length(const wire::TcpHeader& header, u32 payload_length) {
  return payload_length + (header.has(wire::TcpFlags::syn) ? 1u : 0u) +
         (header.has(wire::TcpFlags::fin) ? 1u : 0u);
}

/// RFC 9293 §3.4: "before" on the circle of 2^32.
constexpr bool sequence_before(u32 a, u32 b) { return to<i32>(a - b) < 0; }

/// RFC 8446 §2 draws what early data's keys protect in (), the handshake's in {} and the
/// application's in [].
inline std::string in_brackets(Protection protection, std::string_view name) {
  constexpr std::string_view open = " ({[";
  constexpr std::string_view close = " )}]";
  if (protection == Protection::none) return std::string(name);
  return open[to<u8>(protection)] + std::string(name) + close[to<u8>(protection)];
}

}  // namespace handfast::trace
