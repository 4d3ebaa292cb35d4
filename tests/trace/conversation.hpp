// A made-up TCP conversation between two endpoints, told to sinks as an engine would tell it.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "trace/ladder.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::test {

using wire::TcpFlags;

inline constexpr u16 syn = TcpFlags::syn;
inline constexpr u16 syn_ack = TcpFlags::syn | TcpFlags::ack;
inline constexpr u16 ack = TcpFlags::ack;
inline constexpr u16 push = TcpFlags::psh | TcpFlags::ack;
inline constexpr u16 fin = TcpFlags::fin | TcpFlags::ack;
inline constexpr u16 rst = TcpFlags::rst | TcpFlags::ack;

inline constexpr u32 client = 0;
inline constexpr u32 server = 1;

/// One segment with absolute sequence numbers.
struct Segment {
  u32 from = client;
  wire::TcpHeader header;
  u32 length = 0;
};

class Conversation {
 public:
  static constexpr u32 client_isn = 4'000'000'000;  // relative numbers must cross 2^32
  static constexpr u32 server_isn = 1'000'000;

  explicit Conversation(trace::Sink& of_client, trace::Sink& of_server)
      : sinks_{&of_client, &of_server} {}

  void at(Duration time) { now_ = Instant{time}; }

  Segment send(u32 from, u16 flags, u32 seq, u32 acknowledgment, u32 length = 0,
               trace::Why why = {}) {
    Segment segment{from, {}, length};
    wire::TcpHeader& header = segment.header;
    header.source_port = flow(from).local.port;
    header.destination_port = flow(from).remote.port;
    header.flags = flags;
    header.sequence = isn(from) + seq;
    if ((flags & TcpFlags::ack) != 0) header.acknowledgment = isn(1 - from) + acknowledgment;
    if ((flags & TcpFlags::syn) != 0) {
      header.options.mss = 1460;
      header.options.sack_permitted = true;
      header.options.timestamps = wire::TcpTimestamps{1, 0};
      header.options.window_scale = 7;
    }
    sinks_[from]->on(now_, trace::SegmentSent{flow(from), header, length, why});
    return segment;
  }
  void receive(const Segment& segment) {
    const u32 to = 1 - segment.from;
    sinks_[to]->on(now_, trace::SegmentReceived{flow(to), segment.header, segment.length});
  }
  void enter(u32 who, std::string_view from, std::string_view to, trace::Why why) {
    sinks_[who]->on(now_, trace::StateChanged{flow(who), from, to, why});
  }
  /// The network does something to the frame that carries `segment`.
  void impair(const Segment& segment, std::string_view what) {
    const std::vector<u8> bytes = packet(segment);
    sinks_[segment.from]->on(now_, trace::FrameImpaired{what, bytes});
  }
  void drop(u32 who, const Segment& segment, wire::Drop reason) {
    const std::vector<u8> bytes = packet(segment);
    sinks_[who]->on(now_, trace::PacketDropped{reason, bytes});
  }
  void tell(u32 who, const trace::Event& event) { sinks_[who]->on(now_, event); }

  static const wire::Flow& flow(u32 of) {
    static const wire::Endpoint a{wire::IpAddress::v4(192, 0, 2, 1), 40000};
    static const wire::Endpoint b{wire::IpAddress::v4(192, 0, 2, 2), 80};
    static const wire::Flow flows[] = {{a, b}, {b, a}};
    return flows[of];
  }

  /// The three segments of an open, 10 ms one way, at the time that at() has set.
  void open() {
    const Duration start = now_.time_since_epoch();
    enter(client, "CLOSED", "SYN_SENT", {"active open"});
    const Segment first = send(client, syn, 0, 0);
    at(start + 10ms);
    receive(first);
    enter(server, "LISTEN", "SYN_RECEIVED", {"SYN accepted, backlog {}/{}", 1, 128});
    const Segment second = send(server, syn_ack, 0, 1);
    at(start + 20ms);
    receive(second);
    enter(client, "SYN_SENT", "ESTABLISHED", {"SYN,ACK accepted"});
    const Segment third = send(client, ack, 1, 1);
    at(start + 30ms);
    receive(third);
    enter(server, "SYN_RECEIVED", "ESTABLISHED", {"our SYN is acknowledged"});
  }

  static std::vector<u8> packet(const Segment& segment) {
    const wire::Flow& way = flow(segment.from);
    const std::vector<u8> payload(segment.length, u8{'x'});
    wire::IpHeader ip{way.local.address, way.remote.address, wire::protocol_tcp};
    std::vector<u8> bytes(wire::ip_header_size(ip) + wire::tcp_header_size_of(segment.header));
    const u32 tcp_length = wire::tcp_header_size_of(segment.header) + to<u32>(payload.size());
    const u32 at = wire::emit_ip(ip, tcp_length, bytes);
    wire::emit_tcp(segment.header, {payload, Bytes{}}, way.local.address, way.remote.address,
                   MutBytes{bytes}.subspan(at));
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }

 private:
  static u32 isn(u32 of) { return of == client ? client_isn : server_isn; }

  trace::Sink* sinks_[2];
  Instant now_{};
};

/// Compares with tests/trace/golden/<name>; HANDFAST_UPDATE_GOLDEN=1 writes the file instead.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(HANDFAST_SOURCE_DIR "/tests/trace/golden/") + name;
  if (std::getenv("HANDFAST_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path;
  const std::string wanted{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, wanted) << "HANDFAST_UPDATE_GOLDEN=1 accepts what is new";
}

}  // namespace handfast::test
