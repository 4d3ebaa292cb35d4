#include "host/udp_layer.hpp"

#include <algorithm>

namespace handfast::host {

using tcp::Errc;
using wire::Drop;

UdpLayer::UdpLayer(Network& network, Groups& groups, Rng& rng)
    : network_(network),
      groups_(groups),
      ephemeral_(SipKey::draw(rng), network.config.ephemeral_port_first,
                 network.config.ephemeral_port_last) {}

u32 UdpLayer::find(const wire::Endpoint& local) const {
  auto& self = const_cast<UdpLayer&>(*this);
  return ports_.find(local,
                     [&](u32 i) -> const wire::Endpoint& { return self.sockets_.at(i)->local; });
}

void UdpLayer::on_datagram(const Arrival& arrival, Bytes bytes) {
  const wire::IpHeader& ip = arrival.header;
  const auto datagram = wire::parse_udp(bytes, ip.source, ip.destination);
  if (!datagram) return network_.drop(datagram.error(), arrival.packet, arrival.now);
  const u16 port = datagram->header.destination_port;
  if (arrival.cast == Cast::unicast) {
    const u32 index = find({ip.destination, port});
    if (index != HashIndex::none) return deliver(index, arrival, *datagram);
    network_.drop(Drop::no_socket, arrival.packet, arrival.now);
    // RFC 1122 §4.1.3.1: "UDP SHOULD send an ICMP Port Unreachable message".
    return network_.send_error(arrival, wire::IcmpProblem::port_unreachable);
  }
  // RFC 1122 §4.1.3.3, §4.1.3.5: a copy to each socket that listens there.
  bool taken = false;
  ports_.each(port, [&](u32 index) {
    if (!wants(*sockets_.at(index), arrival)) return;
    taken = true;
    deliver(index, arrival, *datagram);
  });
  if (!taken) network_.drop(Drop::no_socket, arrival.packet, arrival.now);
}

bool UdpLayer::wants(const UdpSlot& slot, const Arrival& arrival) const {
  const wire::IpAddress& to_address = arrival.header.destination;
  if (slot.local.address.is_v4() != to_address.is_v4()) return false;
  if (!slot.local.address.is_unspecified() &&
      !network_.routes.is_address_of(arrival.interface, slot.local.address))
    return false;
  if (arrival.cast == Cast::broadcast) return true;
  return std::ranges::any_of(slot.groups, [&](const UdpSlot::Membership& member) {
    return member.interface == arrival.interface && member.group == to_address;
  });
}

void UdpLayer::deliver(u32 index, const Arrival& arrival, const wire::UdpDatagram& datagram) {
  UdpSlot& slot = *sockets_.at(index);
  const wire::Endpoint source{arrival.header.source, datagram.header.source_port};
  const wire::Endpoint destination{arrival.header.destination, datagram.header.destination_port};
  if (!slot.queue.push(source, destination, datagram.payload))
    return network_.drop(Drop::queue_full, arrival.packet, arrival.now);
  ++network_.counters.udp_in;
  if (slot.event_queued) return;
  slot.event_queued = true;
  events_.push_back({sockets_.handle_at(index), false});
}

bool UdpLayer::on_error(const wire::Flow& flow, const wire::IcmpError& error) {
  const u32 index = find(flow.local);
  if (index == HashIndex::none) return false;
  UdpSlot& slot = *sockets_.at(index);
  UdpError kept{flow.remote, error};
  kept.error.original = {};
  if (slot.errors.size() >= errors_max) slot.errors.pop_front();
  slot.errors.push_back(kept);
  if (!slot.error_event_queued) {
    slot.error_event_queued = true;
    events_.push_back({sockets_.handle_at(index), true});
  }
  return true;
}

std::optional<Event> UdpLayer::poll_event() {
  while (!events_.empty()) {
    const Pending pending = events_.pop_front();
    UdpSlot* slot = sockets_.find(pending.socket);
    if (slot == nullptr) continue;
    (pending.error ? slot->error_event_queued : slot->event_queued) = false;
    if (pending.error ? slot->errors.empty() : slot->queue.empty()) continue;
    return Event{.kind = pending.error ? Event::Kind::udp_error : Event::Kind::datagram,
                 .udp = pending.socket};
  }
  return std::nullopt;
}

Result<Udp, Errc> UdpLayer::open(wire::Endpoint local) {
  if (!local.address.is_unspecified() && !network_.routes.is_ours(local.address))
    return failure(Errc::no_route);
  const auto endpoint_of = [this](u32 i) -> const wire::Endpoint& { return sockets_.at(i)->local; };
  const auto is_free = [&](u16 port) {
    return ports_.find_exactly({local.address, port}, endpoint_of) == HashIndex::none;
  };
  if (local.port == 0) {
    if (const auto choice = ephemeral_.pick(local.address, {}, is_free)) local.port = choice->port;
  }
  if (local.port == 0 || !is_free(local.port)) return failure(Errc::in_use);
  const Udp handle = sockets_.emplace(local, network_.config.udp_queue_max);
  ports_.insert(local.port, handle.index);
  return handle;
}

void UdpLayer::close(Udp handle) {
  UdpSlot* slot = sockets_.find(handle);
  if (slot == nullptr) return;
  for (const auto& member : slot->groups) groups_.leave(member.interface, member.group);
  ports_.erase(slot->local.port, handle.index);
  sockets_.erase(handle);
}

wire::Endpoint UdpLayer::local_endpoint(Udp handle) const {
  const UdpSlot* slot = sockets_.find(handle);
  return slot == nullptr ? wire::Endpoint{} : slot->local;
}

Result<void, Errc> UdpLayer::send(Udp handle, const wire::Endpoint& to_endpoint, Bytes payload,
                                  Instant now) {
  const UdpSlot* slot = sockets_.find(handle);
  if (slot == nullptr) return failure(Errc::not_connected);
  const wire::IpAddress& destination = to_endpoint.address;
  const auto hop = network_.routes.route(destination);
  const bool bound = !slot->local.address.is_unspecified();
  if (!hop || to_endpoint.port == 0 || slot->local.address.is_v4() != destination.is_v4())
    return failure(Errc::no_route);
  const auto source = bound ? slot->local.address : network_.routes.source_for(*hop, destination);
  if (!source) return failure(Errc::no_route);
  if (payload.size() > payload_max) return failure(Errc::message_size);

  const u32 length = wire::udp_header_size + to<u32>(payload.size());
  const Packet datagram = network_.take_packet(length);
  if (datagram.block.empty()) return failure(Errc::no_memory);
  wire::emit_udp({slot->local.port, to_endpoint.port}, payload, *source, destination,
                 datagram.bytes());
  std::ranges::copy(payload, datagram.bytes().subspan(wire::udp_header_size).begin());
  const wire::IpHeader header{
      .source = *source,
      .destination = destination,
      .protocol = wire::protocol_udp,
      // RFC 1112 §6.1: a group's datagrams stay on the link unless asked otherwise.
      .hop_limit = hop->cast == Cast::multicast ? u8{1} : network_.config.hop_limit,
      .identification = network_.next_identification()};
  const bool sent = network_.send(header, datagram.bytes(), *hop, now);
  network_.give_packet(datagram);
  if (!sent) return failure(Errc::no_memory);
  ++network_.counters.udp_out;
  return {};
}

std::optional<Datagram> UdpLayer::receive(Udp handle) {
  UdpSlot* slot = sockets_.find(handle);
  if (slot == nullptr) return std::nullopt;
  const auto item = slot->queue.pop();
  if (!item) return std::nullopt;
  return Datagram{item->source, item->destination, item->payload};
}

std::optional<UdpError> UdpLayer::receive_error(Udp handle) {
  UdpSlot* slot = sockets_.find(handle);
  if (slot == nullptr || slot->errors.empty()) return std::nullopt;
  return slot->errors.pop_front();
}

Result<void, Errc> UdpLayer::join(Udp handle, const wire::IpAddress& group, Interface on,
                                  Instant now) {
  UdpSlot* slot = sockets_.find(handle);
  if (slot == nullptr) return failure(Errc::not_connected);
  if (!group.is_multicast() || group.is_v4() != slot->local.address.is_v4() ||
      on >= network_.routes.loopback())
    return failure(Errc::no_route);
  const bool joined = std::ranges::any_of(slot->groups, [&](const UdpSlot::Membership& member) {
    return member.interface == on && member.group == group;
  });
  if (joined) return {};
  if (!groups_.join(on, group, now)) return failure(Errc::no_memory);
  slot->groups.push_back({on, group});
  return {};
}

}  // namespace handfast::host
