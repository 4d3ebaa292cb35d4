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

/// 32-bit words, written one behind the other and summed from their values: what is read back from
/// memory waits for its stores.
class SummingWriter {
 public:
  explicit SummingWriter(u8* at) : at_(at) {}
  SummingWriter& word(u32 value) {
    store_be32(at_, value);
    at_ += 4;
    sum_ += value;
    return *this;
  }
  SummingWriter& halves(u16 high, u16 low) { return word(u32{high} << 16 | low); }
  u16 folded() const {
    u64 sum = (sum_ & 0xffffffff) + (sum_ >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return to<u16>((sum & 0xffff) + (sum >> 16));
  }

 private:
  u8* at_;
  u64 sum_ = 0;
};

// The header without options, its checksum field 0.
SummingWriter write_fixed(const TcpHeader& h, u32 size, u8* at) {
  const u16 flags = to<u16>((size / 4) << 12 | (h.flags & flags_mask));
  return SummingWriter(at)
      .halves(h.source_port, h.destination_port)
      .word(h.sequence)
      .word(h.acknowledgment)
      .halves(flags, h.window)
      .halves(0, h.urgent_pointer);
}

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
  const u32 size = tcp_header_size + emit_options(header.options, out.data() + tcp_header_size);
  write_fixed(header, size, out.data());
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
  const bool plain = only_timestamps(header.options);
  u32 size = plain ? tcp_header_size + aligned_timestamps_size : tcp_header_size_of(header);
  const auto length = to<u32>(size + payload[0].size() + payload[1].size());
  ASSERT(length <= out.size());
  Checksum sum;
  sum.add_pseudo_header(source, destination, protocol_tcp, length);
  if (plain) {
    const TcpTimestamps& t = *header.options.timestamps;
    SummingWriter writer = write_fixed(header, size, out.data());
    sum.add16(writer.word(aligned_timestamps).word(t.value).word(t.echo_reply).folded());
  } else {
    emit_tcp(header, out);
    sum.add_tcp_header(out.first(size));
  }
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
