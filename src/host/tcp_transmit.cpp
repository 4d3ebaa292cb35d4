// From connections to frames: the header is written into the device's memory, the payload stays
// in the send ring. Who has something to say takes turns.
#include <algorithm>
#include <array>

#include "base/byte_order.hpp"
#include "host/tcp_layer.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"

namespace handfast::host {

namespace {

constexpr u32 turn_frames_max = 8;
constexpr u32 tcp_checksum_at = 16;  // in the TCP header

}  // namespace

u32 TcpLayer::poll(Interface on, std::span<wire::Frame> out, Instant now) {
  u32 filled = 0;
  Fifo<Conn>& ready = ready_[on];
  while (filled < out.size() && !ready.empty()) {
    const Conn handle = ready.pop_front();
    if (!ready.empty()) connections_.prefetch(ready.front().index);
    ConnectionSlot* slot = connections_.find(handle);
    if (slot == nullptr) continue;
    const std::size_t share = std::min<std::size_t>(turn_frames_max, out.size() - filled);
    const Turn turn = take_turn(*slot, out.subspan(filled, share), now);
    filled += turn.filled;
    settle(handle, *slot, now);
    if (turn.more) {
      ready.push_back(handle);
    } else {
      slot->ready = false;
      free_if_over(handle, *slot);
    }
  }
  return filled;
}

TcpLayer::Turn TcpLayer::take_turn(ConnectionSlot& slot, std::span<wire::Frame> out, Instant now) {
  const bool ethernet = network_.routes.is_ethernet(slot.hop.interface);
  const bool loopback = slot.hop.interface == network_.routes.loopback();
  const u32 direct_max = loopback ? 0 : payload_max(slot);
  const bool splits = !loopback && !network_.config.interfaces[slot.hop.interface].checksum_offload;
  u32 filled = 0;
  for (u32 turns = 0; turns < turn_frames_max; ++turns) {
    if (!loopback && filled == out.size()) return {filled, true};
    // Without the next hop's address the packet waits with the neighbour, as a copy.
    std::optional<wire::MacAddress> mac;
    if (ethernet) mac = network_.resolve(slot.hop, now);
    const bool direct = !loopback && (!ethernet || mac.has_value());
    u32 most = direct ? direct_max : 0;
    if (splits) most = std::min(most, to<u32>(out.size() - filled) * slot.connection.text_max());
    auto segment = slot.connection.poll_transmit(most, now);
    if (!segment) return {filled, false};
    if (direct && splits && segment->segment_size != 0) {
      filled += emit_split(slot, *segment, mac, out.subspan(filled), now);
    } else if (direct) {
      emit(slot, *segment, mac, out[filled++], now);
    } else {
      enqueue_copy(slot, *segment, now);
    }
  }
  return {filled, true};
}

// What one super-segment may carry, such that the IP length field can still say it.
u32 TcpLayer::payload_max(const ConnectionSlot& slot) const {
  const InterfaceConfig& device = network_.config.interfaces[slot.hop.interface];
  if (device.segment_bytes_max == 0) return 0;
  constexpr u32 headers_max = wire::ipv6_header_size + wire::tcp_header_size_max;
  const u32 packet_max = std::min<u32>(device.segment_bytes_max, 65535);
  return packet_max > headers_max ? packet_max - headers_max : 0;
}

wire::IpHeader TcpLayer::ip_header(const tcp::Connection& connection, u8 ecn) {
  const tcp::Settings& chosen = connection.settings();
  return {.source = connection.flow().local.address,
          .destination = connection.flow().remote.address,
          .protocol = wire::protocol_tcp,
          .hop_limit = chosen.hop_limit != 0 ? chosen.hop_limit : network_.config.hop_limit,
          .traffic_class = to<u8>((chosen.traffic_class & 0xfcu) | ecn),
          .dont_fragment = true,
          .identification = network_.next_identification()};
}

void TcpLayer::emit(const ConnectionSlot& slot, const tcp::Transmit& segment,
                    const std::optional<wire::MacAddress>& mac, wire::Frame& frame, Instant now) {
  const InterfaceConfig& device = network_.config.interfaces[slot.hop.interface];
  const wire::IpHeader ip = ip_header(slot.connection, segment.ecn);
  const u32 tcp_size = wire::tcp_header_size_of(segment.header);
  const u32 length = tcp_size + segment.payload_length();
  u32 at = 0;
  if (mac) {
    const bool v4 = ip.source.is_v4();
    at = wire::emit_ethernet({*mac, device.mac, v4 ? wire::ether_type_ipv4 : wire::ether_type_ipv6},
                             frame.header);
  }
  at += wire::emit_ip(ip, length, frame.header.subspan(at));
  const MutBytes out = frame.header.subspan(at);
  if (device.whole_frames && !device.checksum_offload && length <= out.size()) {
    // One pass over the payload: it is summed while it is copied.
    const u32 sent =
        wire::emit_tcp_copy(segment.header, segment.payload, ip.source, ip.destination, out);
    frame.header = frame.header.first(at + sent);
    frame.payload = {};
    frame.segment_size = 0;
    frame.checksum_offloaded = false;
    network_.trace_sent(slot.hop.interface, frame, now);
    return;
  }
  if (device.checksum_offload) {
    wire::emit_tcp(segment.header, out);
    wire::Checksum pseudo;
    pseudo.add_pseudo_header(ip.source, ip.destination, wire::protocol_tcp, length);
    store_be16(out.data() + tcp_checksum_at, pseudo.sum());
  } else {
    wire::emit_tcp(segment.header, segment.payload, ip.source, ip.destination, out);
  }
  frame.header = frame.header.first(at + tcp_size);
  frame.payload = segment.payload;
  frame.segment_size = segment.segment_size;
  frame.checksum_offloaded = device.checksum_offload;
  network_.trace_sent(slot.hop.interface, frame, now);
}

// For a device that does not split: the connection was asked once, and here its answer becomes
// frames. What belongs to which of them is as in wire::Segmentation.
u32 TcpLayer::emit_split(const ConnectionSlot& slot, tcp::Transmit& whole,
                         const std::optional<wire::MacAddress>& mac, std::span<wire::Frame> out,
                         Instant now) {
  constexpr u16 only_last = wire::TcpFlags::fin | wire::TcpFlags::psh;
  const u32 size = whole.segment_size;
  const u16 flags = whole.header.flags;
  std::array<Bytes, 2> rest = whole.payload;
  u32 count = 0;
  while (true) {
    const std::size_t first = std::min<std::size_t>(size, rest[0].size());
    const std::size_t second = std::min<std::size_t>(size - first, rest[1].size());
    whole.payload = {rest[0].first(first), rest[1].first(second)};
    rest = {rest[0].subspan(first), rest[1].subspan(second)};
    const bool last = rest[0].empty() && rest[1].empty();
    whole.header.flags = last ? flags : to<u16>(flags & ~only_last);
    emit(slot, whole, mac, out[count++], now);
    if (last) break;
    whole.header.sequence += size;
  }
  return count;
}

void TcpLayer::enqueue_copy(const ConnectionSlot& slot, const tcp::Transmit& segment, Instant now) {
  const wire::IpHeader ip = ip_header(slot.connection, segment.ecn);
  const u32 ip_size = wire::ip_header_size(ip);
  const u32 length = wire::tcp_header_size_of(segment.header) + segment.payload_length();
  const Packet packet = network_.take_packet(ip_size + length);
  if (packet.block.empty()) return network_.drop(wire::Drop::queue_full, {}, now);
  const MutBytes bytes = packet.bytes();
  wire::emit_ip(ip, length, bytes);
  u32 at = ip_size + wire::emit_tcp(segment.header, segment.payload, ip.source, ip.destination,
                                    bytes.subspan(ip_size));
  for (const Bytes piece : segment.payload) {
    std::ranges::copy(piece, bytes.subspan(at).begin());
    at += to<u32>(piece.size());
  }
  network_.enqueue(packet, slot.hop, now);
}

bool TcpLayer::poll_loopback(Instant now) {
  Fifo<Conn>& ready = ready_[network_.routes.loopback()];
  if (ready.empty()) return false;
  wire::Frame unused;  // nothing to ourselves goes into frames
  poll(network_.routes.loopback(), {&unused, 1}, now);
  return true;
}

}  // namespace handfast::host
