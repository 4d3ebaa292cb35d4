// Segmentation and checksums left to the kernel, both ways, over a TCP connection whose one end is
// the kernel's and whose other end is written out here.
#include <array>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "link/descriptor.hpp"
#include "link/kernel.hpp"
#include "link/virtio.hpp"
#include "wire/checksum.hpp"

namespace handfast::link {
namespace {

using wire::TcpFlags;

constexpr u16 our_port = 40'000;
constexpr u16 mss = 1000;
constexpr u32 our_isn = 5000;

class OurEnd {
 public:
  OurEnd(Tun& tun, const wire::IpAddress& ours, const wire::IpAddress& kernel, u16 kernel_port)
      : tun_(tun), ours_(ours), kernel_(kernel), kernel_port_(kernel_port) {}

  /// Sends one segment; where it is longer than the MSS the kernel is told to split it.
  void send(u16 flags, u32 sequence, u32 acknowledgment, std::string_view payload = {}) {
    const auto room = tun_.room();
    wire::IpHeader ip;
    ip.source = ours_;
    ip.destination = kernel_;
    ip.protocol = wire::protocol_tcp;
    wire::TcpHeader tcp;
    tcp.source_port = our_port;
    tcp.destination_port = kernel_port_;
    tcp.sequence = sequence;
    tcp.acknowledgment = acknowledgment;
    tcp.flags = flags;
    tcp.window = 65'535;
    if ((flags & TcpFlags::syn) != 0) tcp.options.mss = mss;
    const u32 tcp_size = wire::tcp_header_size_of(tcp);
    const u32 segment_size = tcp_size + to<u32>(payload.size());
    const u32 ip_size = wire::emit_ip(ip, segment_size, room[0].header);
    wire::emit_tcp(tcp, room[0].header.subspan(ip_size));
    const wire::Checksum pseudo =
        wire::Checksum().add_pseudo_header(ours_, kernel_, wire::protocol_tcp, segment_size);
    store_be16(room[0].header.data() + ip_size + 16, pseudo.sum());
    room[0].header = room[0].header.first(ip_size + tcp_size);
    room[0].payload[0] = as_bytes(payload);
    room[0].checksum_offloaded = true;
    room[0].segment_size = payload.size() > mss ? mss : u16{0};
    tun_.transmit(1, Instant{});
  }

  /// The next segment of the kernel's that `wanted` takes.
  struct Arrived {
    Octets packet;
    wire::TcpHeader header;
    std::string payload;
    u16 segment_size = 0;
    bool verified = false;
  };
  template <class Wanted>
  Arrived receive(Wanted wanted) {
    Arrived arrived;
    arrived.packet = next_frame(tun_, [&](const Received& in) {
      const auto ip = wire::parse_ip(in.frame);
      if (!ip || ip->header.protocol != wire::protocol_tcp) return false;
      const auto tcp = wire::parse_tcp(ip->payload, ip->header.source, ip->header.destination,
                                       in.checksum_verified);
      if (!tcp || !wanted(*tcp)) return false;
      arrived.header = tcp->header;
      arrived.payload = as_text(tcp->payload);
      arrived.segment_size = in.segment_size;
      arrived.verified = in.checksum_verified;
      return true;
    });
    return arrived;
  }

 private:
  Tun& tun_;
  wire::IpAddress ours_, kernel_;
  u16 kernel_port_;
};

/// A listening socket of the kernel's, and its port.
std::pair<Descriptor, u16> listen_in_kernel(bool is_v4) {
  Descriptor listener(socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  u16 port = 0;
  if (listen(listener.get(), 1) != 0) return {Descriptor(), port};
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  std::memcpy(&port, reinterpret_cast<const u8*>(&bound) + 2, sizeof port);
  return {std::move(listener), ntohs(port)};
}

std::string read_exactly(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size && readable(fd)) {
    const ssize_t got = read(fd, text.data() + done, size - done);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

void exchange_super_segments(const wire::IpAddress& ours, u8 prefix_length) {
  auto tun =
      open_configured({.name = "hf0", .offload = true}, {.addresses = {{ours, prefix_length}}});
  ASSERT_TRUE(tun) << tun.error().what;
  EXPECT_TRUE(tun->caps().checksum_offload);
  EXPECT_GT(tun->caps().segment_bytes_max, 60'000u);
  const auto [listener, port] = listen_in_kernel(ours.is_v4());
  ASSERT_TRUE(listener);
  OurEnd our(*tun, ours, *kernel_address_for(ours, prefix_length), port);

  our.send(TcpFlags::syn, our_isn, 0);
  const auto syn_ack =
      our.receive([](const wire::TcpSegment& tcp) { return tcp.header.has(TcpFlags::syn); });
  ASSERT_FALSE(syn_ack.packet.empty()) << "the kernel refused our SYN's checksum";
  const u32 their_next = syn_ack.header.sequence + 1;

  // One super-segment of ours: the kernel reads all of it.
  std::string sent(10'500, 'a');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i / mss);
  our.send(TcpFlags::ack, our_isn + 1, their_next);
  our.send(TcpFlags::ack | TcpFlags::psh, our_isn + 1, their_next, sent);
  ASSERT_TRUE(readable(listener.get()));
  const Descriptor connection(accept(listener.get(), nullptr, nullptr));
  EXPECT_TRUE(read_exactly(connection.get(), sent.size()) == sent);

  // And one of the kernel's: several of the segments that our MSS asks for, in one frame.
  const std::string answer(8 * mss, 'k');
  ASSERT_EQ(write(connection.get(), answer.data(), answer.size()), ssize_t{8} * mss);
  const auto data = our.receive([](const wire::TcpSegment& tcp) { return !tcp.payload.empty(); });
  EXPECT_GE(data.payload.size(), std::size_t{2} * mss);
  EXPECT_TRUE(answer.starts_with(data.payload));
  EXPECT_EQ(data.segment_size, mss);
  EXPECT_TRUE(data.verified);
  EXPECT_EQ(tun->counters().frames_refused, 0u);
  our.send(TcpFlags::rst, our_isn + 1 + to<u32>(sent.size()), 0);
}

TEST(Offload, super_segments_pass_both_ways_over_ipv4) {
  IN_OWN_NAMESPACE([] { exchange_super_segments(here_v4, 24); });
}

TEST(Offload, super_segments_pass_both_ways_over_ipv6) {
  IN_OWN_NAMESPACE([] { exchange_super_segments(here_v6, 64); });
}

TEST(VirtioHeader, says_where_the_checksum_goes_and_how_to_split) {
  Octets head = tcp_frame(TcpFlags::ack | TcpFlags::cwr, {}, trace::LinkType::ethernet);
  const std::string payload(3000, 'x');
  wire::Frame frame{.header = head, .segment_size = 1460, .checksum_offloaded = true};
  frame.payload[0] = as_bytes(payload);
  const VirtioHeader header = virtio_header_of(frame, trace::LinkType::ethernet);
  EXPECT_EQ(header.flags, VirtioHeader::needs_checksum);
  EXPECT_EQ(header.gso_type, VirtioHeader::gso_tcp_v4 | VirtioHeader::gso_ecn);
  EXPECT_EQ(header.checksum_start, 34);
  EXPECT_EQ(header.checksum_offset, 16);
  EXPECT_EQ(header.header_length, 54);
  EXPECT_EQ(header.segment_size, 1460);
  frame.payload[0] = frame.payload[0].first(1460);  // one segment: nothing to split
  EXPECT_EQ(virtio_header_of(frame, trace::LinkType::ethernet).gso_type, VirtioHeader::gso_none);
  frame.checksum_offloaded = false;
  EXPECT_EQ(virtio_header_of(frame, trace::LinkType::ethernet).flags, 0);
}

TEST(VirtioHeader, one_that_contradicts_its_frame_changes_nothing) {
  const Octets sent = tcp_frame(TcpFlags::syn);
  for (const auto& [start, offset] : {std::pair<u16, u16>{20, 60'000}, {60'000, 6}, {39, 0}}) {
    Octets frame = sent;
    finish_checksum(
        {.flags = VirtioHeader::needs_checksum, .checksum_start = start, .checksum_offset = offset},
        frame);
    EXPECT_EQ(frame, sent);
  }
}

}  // namespace
}  // namespace handfast::link
