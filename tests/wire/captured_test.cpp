// What real peers send: read as tshark reads it, and written again byte for byte.
#include "captured.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "packets.hpp"
#include "wire/arp.hpp"
#include "wire/drop.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/print.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace handfast::wire {
namespace {

void append(std::vector<u8>& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::vector<u8> written_again(const IpPacket& packet) {
  const IpHeader& ip = packet.header;
  std::vector<u8> out(2000);
  const auto keep = [&out](u32 size, Bytes payload) {
    out.resize(size);
    append(out, payload);
  };
  if (ip.fragment) {
    keep(0, packet.payload);
  } else if (ip.protocol == protocol_tcp) {
    const auto tcp = parse_tcp(packet.payload, ip.source, ip.destination);
    TcpHeader header = tcp->header;
    header.options.raw = {};
    keep(emit_tcp(header, {tcp->payload, {}}, ip.source, ip.destination, out), tcp->payload);
  } else if (ip.protocol == protocol_udp) {
    const auto udp = parse_udp(packet.payload, ip.source, ip.destination);
    keep(emit_udp(udp->header, udp->payload, ip.source, ip.destination, out), udp->payload);
  } else if (ip.protocol == protocol_icmp) {
    keep(emit_icmpv4(*parse_icmpv4(packet.payload), out), {});
  } else {
    const auto icmp = parse_icmpv6(packet.payload, ip.source, ip.destination, ip.hop_limit);
    keep(emit_icmpv6(*icmp, ip.source, ip.destination, out), {});
  }
  return out;
}

std::vector<u8> written_again(const EthernetFrame& frame) {
  std::vector<u8> out(ethernet_header_size);
  emit_ethernet(frame.header, out);
  std::vector<u8> head(60);
  if (frame.header.ether_type == ether_type_arp) {
    emit_arp(*parse_arp(frame.payload), head);
    append(out, Bytes(head).first(arp_size));
    return out;
  }
  const auto packet = parse_ip(frame.payload);
  const auto payload = written_again(*packet);
  append(out, Bytes(head).first(emit_ip(packet->header, to<u32>(payload.size()), head)));
  append(out, payload);
  return out;
}

// These hold what we read past: a nonce, a router's own address, a hop-by-hop header.
bool has_parts_that_are_not_kept(std::string_view name) {
  return name == "duplicate_address_detection" || name == "router_solicitation" ||
         name == "mld_report";
}

TEST(Captured, every_frame_is_described_as_what_it_is) {
  for (const Captured& one : captured) {
    const Exact frame(from_hex(one.frame));
    EXPECT_EQ(describe_ethernet(frame.bytes()), one.described) << one.name;
  }
}

TEST(Captured, what_linux_sent_is_what_we_would_send) {
  for (const Captured& one : captured) {
    if (has_parts_that_are_not_kept(one.name)) continue;
    const auto frame = from_hex(one.frame);
    EXPECT_EQ(written_again(*parse_ethernet(frame)), frame) << one.name;
  }
}

TEST(Captured, no_truncation_of_any_frame_is_read_beyond_its_end) {
  for (const Captured& one : captured) {
    const auto frame = from_hex(one.frame);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const Exact exact(Bytes(frame).first(size));
      const auto ethernet = parse_ethernet(exact.bytes());
      if (!ethernet) continue;
      EXPECT_FALSE(parse_ip(ethernet->payload)) << one.name << size;
      EXPECT_FALSE(parse_arp(ethernet->payload)) << one.name << size;
      EXPECT_FALSE(describe_ethernet(exact.bytes()).empty());
    }
  }
}

}  // namespace
}  // namespace handfast::wire
