#include "wire/segmentation.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::wire {

namespace {

constexpr u32 ipv4_size = 20;
constexpr u32 ipv6_size = 40;
constexpr u32 flags_at = 13;  // in the TCP header
constexpr u32 checksum_at = 16;

}  // namespace

Segmentation::Segmentation(Bytes packet, u16 segment_size) : packet_(packet) {
  ASSERT(packet.size() >= ipv4_size);
  ip_size_ = packet[0] >> 4 == 4 ? (packet[0] & 0x0fu) * 4 : ipv6_size;
  ASSERT(packet.size() >= ip_size_ + 20);
  headers_ = ip_size_ + (packet[ip_size_ + 12] >> 4) * 4u;
  ASSERT(packet.size() >= headers_);
  const u32 payload = to<u32>(packet.size()) - headers_;
  piece_ = segment_size == 0 ? payload : segment_size;
  count_ = payload <= piece_ ? 1 : (payload + piece_ - 1) / piece_;
}

u32 Segmentation::emit(u32 i, MutBytes out) const {
  ASSERT(i < count_ && out.size() >= size_max());
  const u32 offset = i * piece_;
  const u32 length = std::min(piece_, to<u32>(packet_.size()) - headers_ - offset);
  std::ranges::copy(packet_.first(headers_), out.begin());
  std::ranges::copy(packet_.subspan(headers_ + offset, length), out.begin() + headers_);
  const u32 size = headers_ + length;
  u8* const ip = out.data();
  u8* const tcp = ip + ip_size_;
  store_be32(tcp + 4, load_be32(tcp + 4) + offset);
  if (i + 1 < count_) tcp[flags_at] = to<u8>(tcp[flags_at] & ~(TcpFlags::fin | TcpFlags::psh));
  if (i > 0) tcp[flags_at] = to<u8>(tcp[flags_at] & ~TcpFlags::cwr);
  store_be16(tcp + checksum_at, 0);
  Checksum sum;
  const u32 upper = size - ip_size_;
  if (ip[0] >> 4 == 4) {
    store_be16(ip + 2, to<u16>(size));
    store_be16(ip + 4, to<u16>(load_be16(ip + 4) + i));
    store_be16(ip + 10, 0);
    store_be16(ip + 10, checksum(Bytes(out).first(ip_size_)));
    sum.add_pseudo_header(IpAddress::from_v4(ip + 12), IpAddress::from_v4(ip + 16), protocol_tcp,
                          upper);
  } else {
    store_be16(ip + 4, to<u16>(upper));
    sum.add_pseudo_header(IpAddress::from_v6(ip + 8), IpAddress::from_v6(ip + 24), protocol_tcp,
                          upper);
  }
  sum.add(Bytes(out).subspan(ip_size_, upper));
  store_be16(tcp + checksum_at, sum.finish());
  return size;
}

}  // namespace handfast::wire
