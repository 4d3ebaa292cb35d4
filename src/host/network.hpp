// The host below its transports: packets out, by way of routes, fragments and neighbours, and the
// queues in which they wait. RFC 1122 §2 and §3, RFC 8504 §4 and §5.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "host/config.hpp"
#include "host/counters.hpp"
#include "host/neighbours.hpp"
#include "host/packet.hpp"
#include "host/path_mtus.hpp"
#include "host/routes.hpp"
#include "trace/event.hpp"
#include "wire/arp.hpp"
#include "wire/frame.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::host {

/// An IP packet that is for us, and how it came.
struct Arrival {
  Interface interface = 0;
  Cast cast = Cast::unicast;
  bool link_group = false;         // its frame went to a group address
  bool checksum_verified = false;  // of the transport, by the device
  u16 next_header_at = 0;
  wire::IpHeader header{};
  Bytes packet{};  // from the IP header on
  Instant now{};
};

class Network {
 public:
  Network(const Config& settings, Rng& rng, Instant now, trace::Sink* trace_sink);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Counts and traces the end of a packet.
  void drop(wire::Drop reason, Bytes packet, Instant now);
  void trace_sent(Interface on, const wire::Frame& frame, Instant now);

  // Out. Each returns false where the packet could not be queued (it is counted as dropped).
  /// Sends `payload` behind `header`, in fragments where it must be.
  bool send(const wire::IpHeader& header, Bytes payload, const Hop& hop, Instant now);
  /// Sends a segment without payload.
  bool send_tcp(const wire::Flow& flow, const wire::TcpHeader& header, const Hop& hop, Instant now);
  /// Reports a problem to the source of `arrival`, where RFC 1122 §3.2.2 and RFC 4443 §2.4 (e)
  /// allow it. `pointer` is what RFC 4443 §3.4 wants beside an unknown next header.
  void send_error(const Arrival& arrival, wire::IcmpProblem problem, u32 pointer = 0);
  /// RFC 1122 §3.2.2 and RFC 4443 §2.4 (e): whether a packet may be answered by an ICMP error.
  bool may_report(const Arrival& arrival) const;

  /// An empty packet of `size` bytes, or one with an empty block where the pool has none.
  Packet take_packet(u32 size);
  void give_packet(const Packet& packet) { packets_.give(packet.block); }
  /// Hands a packet on: to the device's queue, or to wait for its next hop to be resolved.
  bool enqueue(Packet packet, const Hop& hop, Instant now);
  /// The next hop's link-layer address; none while it is being asked for.
  std::optional<wire::MacAddress> resolve(const Hop& hop, Instant now);
  /// Somebody behind it does not answer: the next packet asks for the next hop again (RFC 1122
  /// §3.3.1.4, RFC 9293 MUST-20).
  void doubt(const Hop& hop);
  /// The MTU of the way to `destination`, in bytes of IP packet.
  u32 path_mtu(const Hop& hop, const wire::IpAddress& destination, Instant now) const {
    return path_mtus.get(destination, routes.mtu(hop.interface), now);
  }
  u16 next_identification() { return identification_++; }

  // Neighbour discovery, in.
  void on_arp(Interface in, Bytes packet, Instant now);
  void on_neighbour(const Arrival& arrival, const wire::NeighbourMessage& message);

  Instant deadline() const { return neighbours_.deadline(); }
  void on_deadline(Instant now);
  /// Fills frames with queued packets; returns how many.
  u32 poll(Interface on, std::span<wire::Frame> out, Instant now);
  /// Gives back what the last poll() lent.
  void end_loans();
  /// The next packet to ourselves. The caller gives it back.
  std::optional<Packet> poll_loopback();
  /// The next packet whose next hop does not answer. The caller gives it back.
  std::optional<Packet> poll_unreachable();

  const Config& config;
  Counters counters;
  trace::Sink* const sink;
  Routes routes;
  PathMtus path_mtus;

 private:
  bool send_whole(const wire::IpHeader& header, Bytes payload, const Hop& hop, Instant now);
  bool send_fragments(wire::IpHeader header, Bytes payload, u32 mtu, const Hop& hop, Instant now);
  bool push(Interface on, const Packet& packet, Instant now);
  u32 fragment_identification(const wire::IpAddress& destination);
  bool may_send_error_now(Instant now);

  Neighbour& add_neighbour(Interface interface, const wire::IpAddress& address, Instant now);
  void ask(Neighbour& neighbour, Instant now);
  void ask_by_arp(const Neighbour& neighbour, const wire::IpAddress& source, bool again,
                  Instant now);
  void ask_by_solicitation(const Neighbour& neighbour, const wire::IpAddress& source, bool again,
                           Instant now);
  void learn(Neighbour& neighbour, const wire::MacAddress& mac, bool fresh, Instant now);
  void give_up(Neighbour& neighbour, Instant now);
  bool may_learn(Interface in, const wire::IpAddress& address, const wire::MacAddress& mac) const;
  void send_arp(Interface on, const wire::ArpPacket& arp, const wire::MacAddress& to_mac,
                Instant now);
  void on_solicitation(const Arrival& arrival, const wire::NeighbourMessage& message);
  void on_advertisement(const Arrival& arrival, const wire::NeighbourMessage& message);
  void send_neighbour_message(Interface on, const wire::NeighbourMessage& message,
                              const wire::IpAddress& source, const wire::IpAddress& destination,
                              const wire::MacAddress& to_mac, Instant now);
  void frame_and_push(Interface on, Packet packet, const wire::MacAddress& to_mac, u16 ether_type,
                      Instant now);
  void trace_neighbour(const Neighbour& neighbour, std::string_view state, Instant now);

  BufferPool packets_;
  Neighbours neighbours_;
  std::vector<PacketQueue> outboxes_;  // by interface; the last is the loopback's
  PacketQueue lent_;                   // in frames that the last poll() filled
  PacketQueue unreachable_;
  SipKey identification_key_;
  u32 fragment_count_;
  u16 identification_;
  Instant errors_second_{};  // the second in which errors_ were sent
  u32 errors_ = 0;
};

}  // namespace handfast::host
