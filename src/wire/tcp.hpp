// TCP segments (RFC 9293 §3.1) and their options (§3.2, RFC 7323, RFC 2018, RFC 7413).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"
#include "wire/drop.hpp"

namespace handfast::wire {

inline constexpr u32 tcp_header_size = 20;  // without options
inline constexpr u32 tcp_header_size_max = 60;
inline constexpr u32 tcp_options_size_max = tcp_header_size_max - tcp_header_size;

/// The control bits, with the values they have in the header's 14th octet, and AE (RFC 9768) as
/// the ninth bit.
struct TcpFlags {
  static constexpr u16 fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10, urg = 0x20,
                       ece = 0x40, cwr = 0x80, ae = 0x100;
};

struct TcpTimestamps {
  u32 value = 0;
  u32 echo_reply = 0;
  friend bool operator==(const TcpTimestamps&, const TcpTimestamps&) = default;
};
/// [left, right) in sequence numbers.
struct SackBlock {
  u32 left = 0;
  u32 right = 0;
  friend bool operator==(const SackBlock&, const SackBlock&) = default;
};

/// RFC 9293 leaves the order of options and their padding open, and stacks can be told by it:
/// Linux packs words (SACK-permitted lies where the timestamps' two NOPs would), FreeBSD sends MSS,
/// window scale, SACK-permitted, timestamps, each on its own boundary; `rfc` is in order of kind
/// without any padding but at the end.
enum class OptionStyle : u8 { linux, freebsd, rfc };

/// Options by meaning. What is absent on the wire is absent here.
struct TcpOptions {
  static constexpr u8 sack_blocks_max = 4;

  std::optional<u16> mss = {};          // kind 2, SYN only
  std::optional<u8> window_scale = {};  // kind 3, SYN only; the shift as received, maybe > 14
  bool sack_permitted = false;          // kind 4, SYN only
  std::optional<TcpTimestamps> timestamps = {};  // kind 8
  std::optional<u16> user_timeout = {};  // kind 28 (RFC 5482): minutes with the highest bit, or s
  std::array<SackBlock, sack_blocks_max> sack{};  // kind 5
  u8 sack_count = 0;
  /// Kind 34 (RFC 7413): present and empty asks for a cookie; else 4 to 16 bytes, even.
  std::optional<std::array<u8, 16>> fast_open = {};
  u8 fast_open_size = 0;
  /// As kind 254 with the magic number 0xF989, from before the RFC had a number of its own.
  bool fast_open_experimental = false;
  OptionStyle style = OptionStyle::linux;  // emit only
  /// Parse: the whole option area, unknown options included, in the frame. Emit: written verbatim
  /// behind the known ones (unknown options that somebody wants to send).
  Bytes raw = {};

  /// Equal in meaning: `raw`, a view, and `style` are left out.
  friend bool operator==(const TcpOptions& a, const TcpOptions& b);
};

struct TcpHeader {
  u16 source_port = 0;
  u16 destination_port = 0;
  u32 sequence = 0;
  u32 acknowledgment = 0;
  u16 flags = 0;
  u16 window = 0;  // as on the wire, not scaled
  u16 urgent_pointer = 0;
  TcpOptions options = {};

  bool has(u16 flag) const { return (flags & flag) != 0; }
  friend bool operator==(const TcpHeader&, const TcpHeader&) = default;
};
struct TcpSegment {
  TcpHeader header = {};
  Bytes payload = {};

  /// SEG.LEN: payload plus one for SYN and one for FIN (RFC 9293 §3.3.1).
  u32 sequence_length() const {
    return to<u32>(payload.size()) + (header.has(TcpFlags::syn) ? 1u : 0u) +
           (header.has(TcpFlags::fin) ? 1u : 0u);
  }
};

/// Reads a segment that lay in an IP packet between these addresses. An option that runs out of the
/// header is Drop::bad_option; one of a known kind but another size is left to `raw`. The checksum
/// is verified unless `checksum_known_good` (the device has done it, RFC 9293 §3.1).
Result<TcpSegment, Drop> parse_tcp(Bytes segment, const IpAddress& source,
                                   const IpAddress& destination, bool checksum_known_good = false);

/// The size of the header with these options, padded to 32 bits; at most 60. What does not fit into
/// 40 bytes of options is left out: SACK blocks one by one, then `raw`.
u32 tcp_header_size_of(const TcpHeader& header);
/// Writes the header with the checksum field 0; returns its size. Options go out in the order and
/// alignment of their style; SACK blocks and `raw` come last.
u32 emit_tcp(const TcpHeader& header, MutBytes out);
/// The same, and the checksum over header and up to two pieces of payload.
u32 emit_tcp(const TcpHeader& header, const std::array<Bytes, 2>& payload, const IpAddress& source,
             const IpAddress& destination, MutBytes out);
/// The same, and the payload copied behind the header; returns the size of both. `out` must have
/// room for them.
u32 emit_tcp_copy(const TcpHeader& header, const std::array<Bytes, 2>& payload,
                  const IpAddress& source, const IpAddress& destination, MutBytes out);

/// "SYN,ACK", or "none".
std::string flags_to_string(u16 flags);

}  // namespace handfast::wire
