// Frames for the tests of devices.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "link/device.hpp"
#include "trace/event.hpp"
#include "wire/ethernet.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::link {

inline constexpr wire::IpAddress here_v4 = wire::IpAddress::v4(192, 0, 2, 2);
inline constexpr wire::IpAddress kernel_v4 = wire::IpAddress::v4(192, 0, 2, 1);
inline const wire::IpAddress here_v6 = *wire::IpAddress::parse("2001:db8::2");
inline const wire::IpAddress kernel_v6 = *wire::IpAddress::parse("2001:db8::1");

using Octets = std::vector<u8>;

/// An IP packet around `payload`, behind an Ethernet header where the link wants one.
inline Octets ip_frame(trace::LinkType link_type, const wire::IpHeader& header, Bytes payload) {
  Octets frame(14 + wire::ipv6_header_size + payload.size());
  u32 at = 0;
  if (link_type == trace::LinkType::ethernet) {
    const u16 type = header.source.is_v4() ? wire::ether_type_ipv4 : wire::ether_type_ipv6;
    at = wire::emit_ethernet({.destination = {}, .source = {}, .ether_type = type}, frame);
  }
  at += wire::emit_ip(header, to<u32>(payload.size()), MutBytes(frame).subspan(at));
  frame.resize(at);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

/// A TCP segment from the kernel's end to ours.
inline Octets tcp_frame(u16 flags, std::string_view payload = {},
                        trace::LinkType link_type = trace::LinkType::ip, bool is_v6 = false) {
  wire::IpHeader ip;
  ip.source = is_v6 ? kernel_v6 : kernel_v4;
  ip.destination = is_v6 ? here_v6 : here_v4;
  ip.protocol = wire::protocol_tcp;
  wire::TcpHeader tcp;
  tcp.source_port = 1000;
  tcp.destination_port = 80;
  tcp.flags = flags;
  Octets segment(wire::tcp_header_size_max);
  segment.resize(
      wire::emit_tcp(tcp, {as_bytes(payload), Bytes{}}, ip.source, ip.destination, segment));
  segment.insert(segment.end(), payload.begin(), payload.end());
  return ip_frame(link_type, ip, segment);
}

/// Sends `header` + `first` + `second` as one frame; false where the device has no room.
template <Device D>
bool send(D& device, std::string_view header, std::string_view first = {},
          std::string_view second = {}, Instant now = {}) {
  const auto room = device.room();
  if (room.empty()) return false;
  std::memcpy(room[0].header.data(), header.data(), header.size());
  room[0].header = room[0].header.first(header.size());
  room[0].payload = {as_bytes(first), as_bytes(second)};
  device.transmit(1, now);
  return true;
}

/// Everything that `device` has now, as text.
template <Device D>
std::vector<std::string> receive_all(D& device, Instant now = {}) {
  std::vector<std::string> texts;
  std::array<Received, 8> in;
  while (const u32 count = device.receive(in, now)) {
    for (u32 i = 0; i < count; ++i) texts.emplace_back(as_text(in[i].frame));
    device.release();
  }
  return texts;
}

/// Remembers what was done to frames, and counts those that passed.
struct Recorder : trace::Sink {
  void on(Instant /*now*/, const trace::Event& event) override {
    if (const auto* impaired = std::get_if<trace::FrameImpaired>(&event))
      impairments.emplace_back(impaired->what);
    if (const auto* in = std::get_if<trace::FrameReceived>(&event)) {
      received.emplace_back(as_text(in->frame));
      interface = in->interface;
    }
    if (const auto* out = std::get_if<trace::FrameSent>(&event)) {
      std::string& text = sent.emplace_back();
      for (const Bytes piece : out->pieces) text += as_text(piece);
    }
  }
  std::vector<std::string> impairments, sent, received;
  u16 interface = 0;
};

}  // namespace handfast::link
