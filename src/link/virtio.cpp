#include "link/virtio.hpp"

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::link {
namespace {

constexpr u16 tcp_checksum_at = 16;  // in the TCP header (RFC 9293 §3.1)
constexpr u32 tcp_flags_at = 13;

}  // namespace

VirtioHeader virtio_header_of(const wire::Frame& frame, trace::LinkType link_type) {
  if (!frame.checksum_offloaded) return {};
  // The host wrote this header: Ethernet, IP without extension headers, TCP.
  const u32 ip_at = link_type == trace::LinkType::ethernet ? wire::ethernet_header_size : 0;
  ASSERT(frame.header.size() > ip_at);
  const bool is_v4 = frame.header[ip_at] >> 4 == 4;
  const u32 ip_size = is_v4 ? (frame.header[ip_at] & 15u) * 4 : wire::ipv6_header_size;
  const u32 tcp_at = ip_at + ip_size;
  ASSERT(frame.header.size() >= tcp_at + wire::tcp_header_size);

  VirtioHeader out{.flags = VirtioHeader::needs_checksum,
                   .checksum_start = to<u16>(tcp_at),
                   .checksum_offset = tcp_checksum_at};
  const std::size_t payload = frame.payload[0].size() + frame.payload[1].size();
  if (frame.segment_size == 0 || payload <= frame.segment_size) return out;
  out.gso_type = is_v4 ? VirtioHeader::gso_tcp_v4 : VirtioHeader::gso_tcp_v6;
  // CWR stays on the first segment only (RFC 3168 §6.1.2): the kernel must be told.
  const bool cwr = (frame.header[tcp_at + tcp_flags_at] & wire::TcpFlags::cwr) != 0;
  if (cwr) out.gso_type |= VirtioHeader::gso_ecn;
  out.header_length = to<u16>(frame.header.size());
  out.segment_size = frame.segment_size;
  return out;
}

bool tcp_checksum_is_good(const VirtioHeader& header) {
  const bool left_out = (header.flags & VirtioHeader::needs_checksum) != 0;
  if (left_out) return header.checksum_offset == tcp_checksum_at;
  return (header.flags & VirtioHeader::data_valid) != 0;
}

void finish_checksum(const VirtioHeader& header, MutBytes frame) {
  if ((header.flags & VirtioHeader::needs_checksum) == 0) return;
  if (header.checksum_offset == tcp_checksum_at) return;
  const std::size_t field = std::size_t{header.checksum_start} + header.checksum_offset;
  if (header.checksum_start > frame.size() || field + 2 > frame.size()) return;
  // The field holds the pseudo-header's sum, so that the sum over all is what is wanted.
  const u16 sum = wire::checksum(frame.subspan(header.checksum_start));
  store_be16(frame.data() + field, sum == 0 ? 0xffff : sum);  // RFC 768: 0 means none
}

}  // namespace handfast::link
