// How a host is set up: its interfaces, its neighbours' patience, its caps.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"
#include "tcp/config.hpp"
#include "trace/event.hpp"
#include "wire/address.hpp"

namespace handfast::host {

using Interface = u16;  // index into Config::interfaces

/// An address of ours with the prefix that is reached directly.
struct InterfaceAddress {
  wire::IpAddress address;
  u8 prefix_length = 0;  // of 32 or 128 bits
};
struct InterfaceConfig {
  trace::LinkType link_type = trace::LinkType::ip;
  u32 mtu = 1500;          // bytes of IP packet
  wire::MacAddress mac{};  // ethernet only
  std::vector<InterfaceAddress> addresses{};
  std::optional<wire::IpAddress> gateway_v4{};
  std::optional<wire::IpAddress> gateway_v6{};
  u32 mss_max = 0;                // of TCP over this interface, both ways; 0: what the MTU allows
  bool checksum_offload = false;  // the device fills in and verifies TCP checksums
  bool whole_frames = false;      // it lends room for whole frames: payload is copied there
  // 0: none; else the largest super-segment. A device without checksum_offload gets it as the
  // frames into which the host splits it.
  u32 segment_bytes_max = 0;
};

struct Config {
  std::string name = "host";
  std::vector<InterfaceConfig> interfaces{};
  tcp::Config tcp{};

  u8 hop_limit = 64;
  u32 connections_max = 1'000'000;
  u32 neighbours_max = 1024;          // entries of ARP and NDP together
  u32 neighbour_queue_max = 16;       // packets that wait for one address
  Duration neighbour_retry = 1s;      // RFC 1122 §2.3.2.1: at most one request a second
  u32 neighbour_tries_max = 3;        // RFC 4861 MAX_MULTICAST_SOLICIT
  Duration neighbour_lifetime = 60s;  // an entry is asked for again after this
  u32 reassembly_datagrams_max = 64;  // datagrams being put together at once
  u32 reassembly_bytes_max = 4u << 20;
  Duration reassembly_timeout = 30s;      // RFC 1122 §3.3.2 says 60 to 120 s, Linux 30
  u32 udp_queue_max = 256u << 10;         // bytes that wait in one UDP socket
  u32 control_queue_max = 1024;           // RSTs, ICMP, ARP: packets waiting to leave
  u32 icmp_errors_per_second_max = 1000;  // RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)
  u16 ephemeral_port_first = 32768;       // RFC 6056
  u16 ephemeral_port_last = 60999;
};

}  // namespace handfast::host
