// The host put together: layers from the wire up, and the way of a packet through them.
#pragma once

#include "host/fragments.hpp"
#include "host/groups.hpp"
#include "host/host.hpp"
#include "host/network.hpp"
#include "host/tcp_layer.hpp"
#include "host/udp_layer.hpp"

namespace handfast::host {

class Host::Impl {
 public:
  Impl(Config settings, Instant now, Rng rng, trace::Sink* sink);

  void expect(Interface in, Bytes frame) const;
  void on_frame(Interface in, Bytes frame, Instant now, bool checksum_verified);
  void on_deadline(Instant now);
  Instant deadline() const;
  u32 poll_transmit(Interface on, std::span<wire::Frame> out, Instant now);

 private:
  static Config complete(Config settings);

  // receive.cpp
  void on_ethernet(Interface in, Bytes bytes, Arrival& arrival);
  void on_packet(Arrival& arrival, Bytes bytes);
  bool is_source_possible(const Arrival& arrival) const;
  void on_fragment(Arrival& arrival, const wire::IpPacket& packet);
  void deliver(Arrival& arrival, Bytes payload);
  void on_unknown_protocol(const Arrival& arrival);
  void run_loopback(Instant now);
  void expire_fragments(Instant now);

  // icmp_receive.cpp
  void on_icmp(const Arrival& arrival, Bytes bytes);
  void on_echo(const Arrival& arrival, const wire::IcmpEcho& echo);
  void on_error(const wire::IcmpError& reported, Instant now);
  void report_unreachable(Instant now);

 public:
  Config config;
  Network network;
  Groups groups;
  TcpLayer tcp;
  UdpLayer udp;

 private:
  Fragments fragments_;
};

}  // namespace handfast::host
