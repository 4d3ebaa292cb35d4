// UDP sockets: RFC 768, RFC 1122 §4.1.
#pragma once

#include <optional>
#include <vector>

#include "base/slab.hpp"
#include "host/datagram_queue.hpp"
#include "host/fifo.hpp"
#include "host/groups.hpp"
#include "host/host.hpp"
#include "host/network.hpp"
#include "host/ports.hpp"
#include "wire/udp.hpp"

namespace handfast::host {

struct UdpSlot {
  UdpSlot(const wire::Endpoint& at, u32 queue_max) : local(at), queue(queue_max) {}

  struct Membership {
    Interface interface = 0;
    wire::IpAddress group{};
  };
  wire::Endpoint local;
  DatagramQueue queue;
  Fifo<UdpError> errors{};
  std::vector<Membership> groups{};
  bool event_queued = false;
  bool error_event_queued = false;
};

class UdpLayer {
 public:
  UdpLayer(Network& network, Groups& groups, Rng& rng);

  void on_datagram(const Arrival& arrival, Bytes bytes);
  /// An ICMP error about a datagram of `flow`. False where no socket sent it.
  bool on_error(const wire::Flow& flow, const wire::IcmpError& error);
  std::optional<Event> poll_event();

  // As in Host.
  Result<Udp, tcp::Errc> open(wire::Endpoint local);
  void close(Udp handle);
  wire::Endpoint local_endpoint(Udp handle) const;
  Result<void, tcp::Errc> send(Udp handle, const wire::Endpoint& to, Bytes payload, Instant now);
  std::optional<Datagram> receive(Udp handle);
  std::optional<UdpError> receive_error(Udp handle);
  Result<void, tcp::Errc> join(Udp handle, const wire::IpAddress& group, Interface on, Instant now);
  u32 size() const { return sockets_.size(); }

 private:
  static constexpr u32 errors_max = 16;  // kept a socket, the latest
  static constexpr u32 payload_max = 65535 - wire::ipv4_header_size - 8;

  struct Pending {  // in the event queue
    Udp socket{};
    bool error = false;
  };
  u32 find(const wire::Endpoint& local) const;
  bool wants(const UdpSlot& slot, const Arrival& arrival) const;
  void deliver(u32 index, const Arrival& arrival, const wire::UdpDatagram& datagram);

  Network& network_;
  Groups& groups_;
  Slab<UdpSlot> sockets_;
  PortIndex ports_;
  EphemeralPorts ephemeral_;
  Fifo<Pending> events_;
};

}  // namespace handfast::host
