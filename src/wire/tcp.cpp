// The TCP header, RFC 9293 §3.1.
#include "wire/tcp.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire/tcp_options.hpp"

namespace handfast::wire {
namespace {

constexpr u16 flags_mask = 0x1ff;  // AE and the eight of RFC 9293; three bits stay reserved

}  // namespace

Result<TcpSegment, Drop> parse_tcp(Bytes segment, const IpAddress& source,
                                   const IpAddress& destination, bool checksum_known_good) {
  if (segment.size() < tcp_header_size) return failure(Drop::truncated);
  const u8* at = segment.data();
  const u16 word = load_be16(at + 12);
  const u32 header_size = (word >> 12) * 4u;
  if (header_size < tcp_header_size || header_size > segment.size())
    return failure(Drop::bad_header_length);
  if (!checksum_known_good) {
    const auto length = to<u32>(segment.size());
    Checksum sum;
    sum.add_pseudo_header(source, destination, protocol_tcp, length).add(segment);
    if (sum.sum() != 0xffff) return failure(Drop::bad_checksum);
  }
  // Built where it is returned: this is on every segment's way.
  Result<TcpSegment, Drop> result(std::in_place);
  TcpHeader& header = result->header;
  header.source_port = load_be16(at);
  header.destination_port = load_be16(at + 2);
  header.sequence = load_be32(at + 4);
  header.acknowledgment = load_be32(at + 8);
  header.flags = to<u16>(word & flags_mask);
  header.window = load_be16(at + 14);
  header.urgent_pointer = load_be16(at + 18);
  result->payload = segment.subspan(header_size);
  // RFC 6335 §6: port 0 is reserved; no answer to it could be told from no answer.
  if (header.source_port == 0 || header.destination_port == 0) {
    result = failure(Drop::bad_port);
  } else if (header_size > tcp_header_size) {
    const Bytes area = segment.subspan(tcp_header_size, header_size - tcp_header_size);
    if (!parse_options(area, header.options)) result = failure(Drop::bad_option);
  }
  return result;
}

u32 tcp_header_size_of(const TcpHeader& header) {
  return tcp_header_size + options_size(header.options);
}

u32 emit_tcp(const TcpHeader& header, MutBytes out) {
  ASSERT(out.size() >= tcp_header_size_max || out.size() >= tcp_header_size_of(header));
  u8* at = out.data();
  const u32 size = tcp_header_size + emit_options(header.options, at + tcp_header_size);
  store_be16(at, header.source_port);
  store_be16(at + 2, header.destination_port);
  store_be32(at + 4, header.sequence);
  store_be32(at + 8, header.acknowledgment);
  store_be16(at + 12, to<u16>((size / 4) << 12 | (header.flags & flags_mask)));
  store_be16(at + 14, header.window);
  store_be16(at + 16, 0);
  store_be16(at + 18, header.urgent_pointer);
  return size;
}

u32 emit_tcp(const TcpHeader& header, const std::array<Bytes, 2>& payload, const IpAddress& source,
             const IpAddress& destination, MutBytes out) {
  const u32 size = emit_tcp(header, out);
  const auto length = to<u32>(size + payload[0].size() + payload[1].size());
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_tcp, length).add_tcp_header(out.first(size));
  for (const Bytes piece : payload)
    if (!piece.empty()) sum.add(piece);
  store_be16(out.data() + 16, sum.finish());
  return size;
}

u32 emit_tcp_copy(const TcpHeader& header, const std::array<Bytes, 2>& payload,
                  const IpAddress& source, const IpAddress& destination, MutBytes out) {
  u32 size = emit_tcp(header, out);
  const auto length = to<u32>(size + payload[0].size() + payload[1].size());
  ASSERT(length <= out.size());
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_tcp, length).add_tcp_header(out.first(size));
  for (const Bytes piece : payload) {
    if (piece.empty()) continue;
    sum.add_copy(piece, out.data() + size);
    size += to<u32>(piece.size());
  }
  store_be16(out.data() + 16, sum.finish());
  return size;
}

std::string flags_to_string(u16 flags) {
  struct Name {
    u16 flag;
    std::string_view text;
  };
  static constexpr Name names[] = {
      {TcpFlags::fin, "FIN"}, {TcpFlags::syn, "SYN"}, {TcpFlags::rst, "RST"},
      {TcpFlags::psh, "PSH"}, {TcpFlags::ack, "ACK"}, {TcpFlags::urg, "URG"},
      {TcpFlags::ece, "ECE"}, {TcpFlags::cwr, "CWR"}, {TcpFlags::ae, "AE"}};
  std::string text;
  for (const Name& name : names) {
    if ((flags & name.flag) == 0) continue;
    if (!text.empty()) text += ',';
    text += name.text;
  }
  return text.empty() ? "none" : text;
}

}  // namespace handfast::wire
