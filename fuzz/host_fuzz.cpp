// Any frames, in any order, at a host that listens, has a connection open and a UDP socket. It
// must not crash, must keep to its memory, and must still answer an echo afterwards. The input is
// a script of small steps; most build packets that pass the checksums, so that what is behind them
// is reached.
#include "host/host.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace handfast {
namespace {

constexpr wire::MacAddress our_mac{{2, 0, 0, 0, 0, 1}};
constexpr wire::MacAddress peer_mac{{2, 0, 0, 0, 0, 9}};
constexpr auto our_v4 = wire::IpAddress::v4(192, 0, 2, 1);
constexpr auto peer_v4 = wire::IpAddress::v4(192, 0, 2, 9);
constexpr wire::IpAddress our_v6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
constexpr wire::IpAddress peer_v6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};
constexpr u16 listen_port = 80;
constexpr u16 udp_port = 7000;
constexpr u64 buffers_max = 1u << 20;

class Script {
 public:
  explicit Script(Bytes bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  u8 byte() {
    if (bytes_.empty()) return 0;
    const u8 value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  u16 word() { return to<u16>(byte() << 8 | byte()); }
  u32 number() { return to<u32>(word()) << 16 | word(); }
  Bytes some(std::size_t most) {
    const Bytes taken = bytes_.first(std::min(most, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes bytes_;
};

host::Config make_config() {
  host::InterfaceConfig interface{.link_type = trace::LinkType::ethernet, .mac = our_mac};
  interface.addresses = {{our_v4, 24}, {our_v6, 64}};
  host::Config config;
  config.interfaces = {interface};
  config.tcp.buffers_max = buffers_max;
  config.tcp.half_open_max = 64;
  config.connections_max = 64;
  config.neighbours_max = 32;
  config.reassembly_bytes_max = 1u << 18;
  return config;
}

class World {
 public:
  World() : host_(make_config(), now_, Rng(1)) {
    listener_ = *host_.listen({wire::any_v4, listen_port}, 8, now_);
    (void)host_.listen({wire::any_v6, listen_port}, 8, now_);
    udp_ = *host_.udp_open({wire::any_v4, udp_port}, now_);
    (void)host_.join(udp_, wire::IpAddress::v4(239, 1, 2, 3), 0, now_);
    say_arp();
    conn_ = *host_.connect({peer_v4, 9999}, now_);
    drain();
  }

  void step(Script& script) {
    switch (script.byte() % 12) {
      case 0: host_.on_frame(0, script.some(script.byte() * 6u), now_); break;
      case 1: ip(script, script.byte(), script.some(script.byte())); break;
      case 2:
      case 3:
      case 4: tcp(script); break;
      case 5: udp(script); break;
      case 6: icmp(script); break;
      case 7: frame(wire::ether_type_arp, script.some(28)); break;
      case 8: fragment(script); break;
      case 9: pass(script.word() * 1ms); break;
      case 10: use_connection(script); break;
      default: use_sockets(); break;
    }
    drain();
    const auto census = host_.census();
    ASSERT(census.buffer_bytes <= buffers_max);
    ASSERT(census.connections <= 64 + 1 && census.half_open <= 128);
  }

  void check_alive() {
    say_arp();
    drain();
    echo_seen_ = false;
    std::array<u8, 64> body;
    const u32 size = wire::emit_icmpv4(
        wire::IcmpEcho{.identifier = 4711, .data = as_bytes("still there?")}, body);
    send(peer_v4, our_v4, wire::protocol_icmp, Bytes(body).first(size));
    drain();
    ASSERT(echo_seen_);
    // Whatever is still waiting ends: nothing runs for ever.
    for (int i = 0; i < 100000 && host_.deadline() != never; ++i) {
      now_ = std::max(now_, host_.deadline());
      host_.on_deadline(now_);
      drain();
    }
    ASSERT(host_.deadline() == never);
  }

 private:
  void frame(u16 ether_type, Bytes payload) {
    std::vector<u8> bytes(wire::ethernet_header_size);
    wire::emit_ethernet({our_mac, peer_mac, ether_type}, bytes);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    host_.on_frame(0, bytes, now_);
  }
  void send(const wire::IpHeader& header, Bytes payload) {
    std::vector<u8> packet(wire::ip_header_size(header));
    wire::emit_ip(header, to<u32>(payload.size()), packet);
    packet.insert(packet.end(), payload.begin(), payload.end());
    frame(header.source.is_v4() ? wire::ether_type_ipv4 : wire::ether_type_ipv6, packet);
  }
  void send(const wire::IpAddress& source, const wire::IpAddress& destination, u8 protocol,
            Bytes payload) {
    send({.source = source, .destination = destination, .protocol = protocol, .hop_limit = 255},
         payload);
  }
  void ip(Script& script, u8 protocol, Bytes payload) {
    const bool v4 = (script.byte() & 1) == 0;
    send(v4 ? peer_v4 : peer_v6, v4 ? our_v4 : our_v6, protocol, payload);
  }
  void say_arp() {
    std::array<u8, wire::arp_size> body;
    wire::emit_arp({wire::ArpPacket::Operation::request, peer_mac, peer_v4, {}, our_v4}, body);
    frame(wire::ether_type_arp, body);
  }

  // A segment whose numbers lie close to what the host said last, or anywhere.
  void tcp(Script& script) {
    const u8 how = script.byte();
    const bool v4 = (how & 1) == 0;
    wire::TcpHeader header;
    header.source_port = (how & 2) != 0 ? u16{9999} : to<u16>(1000 + (script.byte() & 7));
    header.destination_port = (how & 2) != 0 ? our_port_ : listen_port;
    header.flags = script.byte();
    header.window = script.word();
    header.urgent_pointer = (how & 4) != 0 ? script.word() : u16{0};
    header.sequence = heard_.acknowledgment + to<u32>(static_cast<i8>(script.byte()));
    header.acknowledgment = heard_.sequence + (script.byte() & 3);
    if ((how & 8) != 0) header.sequence = script.number();
    if ((how & 16) != 0) header.acknowledgment = script.number();
    if ((how & 32) != 0) header.options.timestamps = {script.number(), script.number()};
    if ((how & 64) != 0) header.options.raw = script.some(script.byte() & 12);
    const Bytes payload = script.some(script.byte());
    const auto& source = v4 ? peer_v4 : peer_v6;
    const auto& destination = v4 ? our_v4 : our_v6;
    std::vector<u8> bytes(wire::tcp_header_size_max);
    bytes.resize(wire::emit_tcp(header, {payload, Bytes{}}, source, destination, bytes));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    send(source, destination, wire::protocol_tcp, bytes);
  }
  void udp(Script& script) {
    const Bytes payload = script.some(script.byte());
    const u8 where = script.byte();
    const auto destination = where % 3 == 0   ? our_v4
                             : where % 3 == 1 ? wire::IpAddress::v4(192, 0, 2, 255)
                                              : wire::IpAddress::v4(239, 1, 2, 3);
    std::vector<u8> bytes(wire::udp_header_size);
    wire::emit_udp({53, where % 2 == 0 ? udp_port : to<u16>(where)}, payload, peer_v4, destination,
                   bytes);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    send(peer_v4, destination, wire::protocol_udp, bytes);
  }
  // Any message with a checksum that is right, behind type and code; quotes may be of our packets.
  void icmp(Script& script) {
    const bool v4 = (script.byte() & 1) == 0;
    std::vector<u8> bytes(8);
    bytes[0] = script.byte();
    bytes[1] = script.byte();
    std::ranges::copy(script.some(4), bytes.begin() + 4);
    const Bytes body = (script.byte() & 1) != 0 ? Bytes(last_) : script.some(script.byte());
    bytes.insert(bytes.end(), body.begin(), body.end());
    wire::Checksum sum;
    const auto size = to<u32>(bytes.size());
    if (!v4) sum.add_pseudo_header(peer_v6, our_v6, wire::protocol_icmpv6, size);
    store_be16(bytes.data() + 2, sum.add(bytes).finish());
    send(v4 ? peer_v4 : peer_v6, v4 ? our_v4 : our_v6,
         v4 ? wire::protocol_icmp : wire::protocol_icmpv6, bytes);
  }
  void fragment(Script& script) {
    const u8 how = script.byte();
    wire::IpHeader header{.source = (how & 1) == 0 ? peer_v4 : peer_v6,
                          .destination = (how & 1) == 0 ? our_v4 : our_v6,
                          .protocol = (how & 2) == 0 ? wire::protocol_udp : wire::protocol_icmp};
    header.fragment =
        wire::Fragment{script.byte() & 3u, (script.word() & 0x1fffu) * 8, (how & 4) != 0};
    if ((how & 8) != 0) header.fragment->offset &= 0x1f8;
    std::vector<u8> payload(script.byte() * 8u, how);
    send(header, payload);
  }
  void pass(Duration time) {
    const Instant end = now_ + time;
    for (int i = 0; i < 1000 && host_.deadline() <= end; ++i) {
      now_ = std::max(now_, host_.deadline());
      host_.on_deadline(now_);
      drain();
    }
    now_ = end;
  }
  void use_connection(Script& script) {
    tcp::Connection* connection = host_.find(conn_);
    if (connection == nullptr) return;
    const u8 what = script.byte();
    switch (what % 6) {
      case 0:
      case 1: {
        const MutBytes space = connection->send_space(what * 64u);
        std::ranges::fill(space, what);
        if (!space.empty()) connection->send(to<u32>(space.size()));
        break;
      }
      case 2: connection->consume(to<u32>(connection->received().size()), now_); break;
      case 3: connection->close(now_); break;
      case 4: connection->abort(now_); break;
      default: host_.release(conn_, now_); return;
    }
    host_.touch(conn_, now_);
  }
  void use_sockets() {
    while (host_.udp_receive(udp_)) {
    }
    while (host_.udp_receive_error(udp_)) {
    }
    (void)host_.udp_send(udp_, {peer_v4, 53}, last_, now_);
    if (const auto accepted = host_.accept(listener_)) {
      if (host_.find(conn_) != nullptr) host_.release(conn_, now_);
      conn_ = *accepted;
    }
  }

  void drain() {
    std::array<u8, wire::Frame::header_room> room;
    for (int i = 0; i < 100000; ++i) {
      wire::Frame out{.header = room};
      if (host_.poll_transmit(0, {&out, 1}, now_) == 0) {
        while (host_.poll_event()) {
        }
        return;
      }
      look_at(out);
    }
    ASSERT(false && "a host that never stops talking");
  }
  void look_at(const wire::Frame& out) {
    std::vector<u8> bytes(out.header.begin(), out.header.end());
    for (const Bytes piece : out.payload) bytes.insert(bytes.end(), piece.begin(), piece.end());
    const auto parsed = wire::parse_ethernet(bytes);
    ASSERT(parsed.has_value());
    if (parsed->header.ether_type == wire::ether_type_arp) return;
    const auto packet = wire::parse_ip(parsed->payload);
    ASSERT(packet.has_value());  // what we send others can read
    last_.assign(parsed->payload.begin(), parsed->payload.end());
    const wire::IpHeader& header = packet->header;
    if (header.fragment) return;
    if (header.protocol == wire::protocol_tcp) {
      const auto segment = wire::parse_tcp(packet->payload, header.source, header.destination);
      ASSERT(segment.has_value());
      heard_ = segment->header;
      if (heard_.destination_port == 9999) our_port_ = heard_.source_port;
    } else if (header.protocol == wire::protocol_icmp) {
      const auto message = wire::parse_icmpv4(packet->payload);
      ASSERT(message.has_value());
      const auto* echo = std::get_if<wire::IcmpEcho>(&*message);
      echo_seen_ |= echo != nullptr && echo->reply && echo->identifier == 4711;
    }
  }

  Instant now_{1s};
  host::Host host_;
  host::Listen listener_{};
  host::Udp udp_{};
  host::Conn conn_{};
  wire::TcpHeader heard_{};  // the last segment of the host
  std::vector<u8> last_;     // its last packet
  u16 our_port_ = 0;         // of the connection that it opened
  bool echo_seen_ = false;
};

}  // namespace
}  // namespace handfast

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  handfast::Script script(handfast::Bytes(data, size));
  handfast::World world;
  for (int steps = 0; steps < 200 && !script.empty(); ++steps) world.step(script);
  world.check_alive();
  return 0;
}
