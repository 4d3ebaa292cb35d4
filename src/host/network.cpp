#include "host/network.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/ethernet.hpp"

namespace handfast::host {

namespace {

using wire::Drop;
using wire::IpHeader;

/// What queues may hold together, in bytes.
u64 packets_bytes_max(const Config& config) {
  return (u64{config.control_queue_max} + 4096) * BufferPool::block_min;
}

}  // namespace

Network::Network(const Config& settings, Rng& rng, Instant now, trace::Sink* trace_sink)
    : config(settings),
      sink(trace_sink),
      routes(settings),
      path_mtus(SipKey::draw(rng)),
      packets_(packets_bytes_max(settings)),
      neighbours_(SipKey::draw(rng), now),
      outboxes_(settings.interfaces.size() + 1),
      identification_key_(SipKey::draw(rng)),
      fragment_count_(to<u32>(rng.next())),
      identification_(to<u16>(rng.next())) {}

Network::~Network() {
  const auto give_all = [this](PacketQueue& queue) {
    while (!queue.empty()) give_packet(queue.pop_front());
  };
  for (PacketQueue& outbox : outboxes_) give_all(outbox);
  give_all(lent_);
  give_all(unreachable_);
  while (neighbours_.size() > 0) {
    give_all(neighbours_.oldest().waiting);
    neighbours_.remove(neighbours_.oldest());
  }
}

void Network::drop(Drop reason, Bytes packet, Instant now) {
  ++counters.drops[to<u8>(reason)];
  if (sink != nullptr) sink->on(now, trace::PacketDropped{reason, packet});
}

void Network::trace_sent(Interface on, const wire::Frame& frame, Instant now) {
  ++counters.frames_out;
  counters.bytes_out += frame.size();
  if (sink == nullptr) return;
  sink->on(now, trace::FrameSent{on,
                                 config.interfaces[on].link_type,
                                 {frame.header, frame.payload[0], frame.payload[1]}});
}

bool Network::send(const IpHeader& header, Bytes payload, const Hop& hop, Instant now) {
  const u32 mtu = path_mtu(hop, header.destination, now);
  if (wire::ip_header_size(header) + payload.size() <= mtu)
    return send_whole(header, payload, hop, now);
  return send_fragments(header, payload, mtu, hop, now);
}

bool Network::send_whole(const IpHeader& header, Bytes payload, const Hop& hop, Instant now) {
  const u32 header_size = wire::ip_header_size(header);
  const u32 length = to<u32>(payload.size());
  const Packet packet = take_packet(header_size + length);
  if (packet.block.empty()) {
    drop(Drop::queue_full, payload, now);
    return false;
  }
  wire::emit_ip(header, length, packet.bytes());
  std::ranges::copy(payload, packet.bytes().subspan(header_size).begin());
  return enqueue(packet, hop, now);
}

// RFC 791 §3.2 and RFC 8200 §4.5: all pieces but the last are multiples of 8 bytes long.
bool Network::send_fragments(IpHeader header, Bytes payload, u32 mtu, const Hop& hop, Instant now) {
  header.dont_fragment = false;
  header.fragment = wire::Fragment{fragment_identification(header.destination), 0, true};
  const u32 room = (mtu - wire::ip_header_size(header)) & ~7u;
  const u32 length = to<u32>(payload.size());
  for (u32 offset = 0; offset < length; offset += room) {
    const u32 piece = std::min(room, length - offset);
    header.fragment->offset = offset;
    header.fragment->more = offset + piece < length;
    if (!send_whole(header, payload.subspan(offset, piece), hop, now)) return false;
  }
  return true;
}

bool Network::send_tcp(const wire::Flow& flow, const wire::TcpHeader& header, const Hop& hop,
                       Instant now) {
  std::array<u8, wire::tcp_header_size_max> segment;
  const u32 size =
      wire::emit_tcp(header, {}, flow.local.address, flow.remote.address, MutBytes(segment));
  const IpHeader ip{.source = flow.local.address,
                    .destination = flow.remote.address,
                    .protocol = wire::protocol_tcp,
                    .hop_limit = config.hop_limit,
                    .dont_fragment = true,
                    .identification = next_identification()};
  return send_whole(ip, Bytes(segment).first(size), hop, now);
}

Packet Network::take_packet(u32 size) {
  const MutBytes block = packets_.take(Packet::headroom + size);
  return {block, size, false};
}

bool Network::enqueue(Packet packet, const Hop& hop, Instant now) {
  if (!routes.is_ethernet(hop.interface)) return push(hop.interface, packet, now);
  if (const auto mac = resolve(hop, now)) {
    const bool v4 = (packet.bytes()[0] >> 4) == 4;
    wire::emit_ethernet({*mac, config.interfaces[hop.interface].mac,
                         v4 ? wire::ether_type_ipv4 : wire::ether_type_ipv6},
                        packet.block);
    packet.framed = true;
    return push(hop.interface, packet, now);
  }
  // RFC 1122 §2.3.2.2: "should save (rather than discard) at least one (the latest) packet".
  Neighbour* neighbour = neighbours_.find(hop.interface, hop.next_hop);
  ASSERT(neighbour != nullptr);
  if (neighbour->waiting.size() >= config.neighbour_queue_max) {
    const Packet oldest = neighbour->waiting.pop_front();
    drop(Drop::neighbour_overload, oldest.bytes(), now);
    give_packet(oldest);
  }
  neighbour->waiting.push_back(packet);
  return true;
}

bool Network::push(Interface on, const Packet& packet, Instant now) {
  PacketQueue& outbox = outboxes_[on];
  if (outbox.size() >= config.control_queue_max) {
    drop(Drop::queue_full, packet.bytes(), now);
    give_packet(packet);
    return false;
  }
  outbox.push_back(packet);
  return true;
}

// RFC 7739 §5.3: predictable neither across destinations nor, without the key, for one of them.
u32 Network::fragment_identification(const wire::IpAddress& destination) {
  return to<u32>(siphash(identification_key_, destination.octets)) + fragment_count_++;
}

u32 Network::poll(Interface on, std::span<wire::Frame> out, Instant now) {
  u32 filled = 0;
  PacketQueue& outbox = outboxes_[on];
  while (filled < out.size() && !outbox.empty()) {
    const Packet packet = outbox.pop_front();
    const MutBytes bytes = packet.frame();
    wire::Frame& frame = out[filled++];
    // What the header room takes is copied; only longer packets have to stay until they are sent.
    const std::size_t head = std::min(bytes.size(), frame.header.size());
    std::memcpy(frame.header.data(), bytes.data(), head);
    frame.header = frame.header.first(head);
    frame.payload = {bytes.subspan(head), Bytes{}};
    frame.segment_size = 0;
    frame.checksum_offloaded = false;
    trace_sent(on, frame, now);
    if (head == bytes.size()) {
      give_packet(packet);
    } else {
      lent_.push_back(packet);
    }
  }
  return filled;
}

void Network::end_loans() {
  while (!lent_.empty()) give_packet(lent_.pop_front());
}

std::optional<Packet> Network::poll_loopback() {
  PacketQueue& outbox = outboxes_[routes.loopback()];
  if (outbox.empty()) return std::nullopt;
  return outbox.pop_front();
}

std::optional<Packet> Network::poll_unreachable() {
  if (unreachable_.empty()) return std::nullopt;
  return unreachable_.pop_front();
}

}  // namespace handfast::host
