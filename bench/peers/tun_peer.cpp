#include "tun_peer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "host/host.hpp"
#include "link/interface.hpp"
#include "link/tun.hpp"
#include "link/virtio.hpp"
#include "wire/checksum.hpp"
#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace handfast::bench {

namespace {

constexpr wire::IpAddress kernel_address = wire::IpAddress::v4(192, 0, 2, 1);
constexpr wire::IpAddress our_address = wire::IpAddress::v4(192, 0, 2, 2);
constexpr wire::IpAddress nobody = wire::IpAddress::v4(198, 51, 100, 1);
constexpr u16 sink_port = 5001;
constexpr u16 source_port = 5002;
constexpr u32 piece_bytes = 64u << 10;
constexpr u32 read_bytes = 256u << 10;
constexpr u32 rounds_a_look = 16;      // at the clock of CPU time, which is a system call
constexpr u32 super_segment = 65'160;  // 45 segments of 1448
constexpr double seconds = 1.0;        // of CPU time, for each figure

double cpu_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return to<double>(spent.tv_sec) + 1e-9 * to<double>(spent.tv_nsec);
}

Instant clock_now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return Instant(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

void run_on(std::size_t core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

sockaddr_in endpoint(u16 port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  std::memcpy(&at.sin_addr, kernel_address.v4_octets(), 4);
  return at;
}

int listen_on(u16 port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = endpoint(port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) _exit(1);
  listen(listener, 4);
  return listener;
}

/// A process on the other core, ended with this object.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) : pid_(fork()) {
    if (pid_ != 0) return;
    run_on(1);
    work();
    _exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

/// The kernel's end: reads all that comes, or writes as much as goes. As a reader in bulk it wants
/// to be woken for much at a time: each wake-up is paid by who sends.
void serve(int listener, bool source) {
  std::vector<char> bytes(read_bytes);
  const int connection = accept(listener, nullptr, nullptr);
  const int woken_for = read_bytes;
  setsockopt(connection, SOL_SOCKET, SO_RCVLOWAT, &woken_for, sizeof woken_for);
  if (source) {
    while (write(connection, bytes.data(), bytes.size()) > 0) {
    }
  } else {
    while (read(connection, bytes.data(), bytes.size()) > 0) {
    }
  }
}

/// Our end: one host over the device, in a loop that waits only when nothing is to be done.
class OurEnd {
 public:
  explicit OurEnd(link::Tun& tun) : tun_(tun), host_(config_of(tun), clock_now(), Rng(1)) {}

  /// Bytes a CPU-second, sent to or received from `port`.
  double run(u16 port, bool sends) {
    Instant now = clock_now();
    const host::Conn connection = *host_.connect({kernel_address, port}, now);
    pump(now);
    warm_up(connection, sends);
    const u64 bytes_before = moved_;
    const double before = cpu_seconds();
    while (cpu_seconds() - before < seconds)
      for (u32 i = 0; i < rounds_a_look; ++i) round(connection, sends);
    const double rate = to<double>(moved_ - bytes_before) / (cpu_seconds() - before);
    host_.find(connection)->abort(now);
    host_.release(connection, now);
    pump(now);
    return rate;
  }

 private:
  static host::Config config_of(const link::Tun& tun) {
    const link::Caps caps = tun.caps();
    host::Config config;
    config.interfaces = {host::InterfaceConfig{.mtu = caps.mtu,
                                               .addresses = {{our_address, 24}},
                                               .checksum_offload = caps.checksum_offload,
                                               .segment_bytes_max = caps.segment_bytes_max}};
    config.tcp.send_buffer_max = 512u << 10;
    config.tcp.receive_buffer_max = 512u << 10;
    return config;
  }

  void warm_up(host::Conn connection, bool sends) {
    const double before = cpu_seconds();
    while (cpu_seconds() - before < 0.2) round(connection, sends);
  }

  void round(host::Conn handle, bool sends) {
    const Instant now = clock_now();
    tcp::Connection& connection = *host_.find(handle);
    u32 moved = 0;
    if (sends) {
      for (MutBytes space = connection.send_space(piece_bytes); !space.empty();
           space = connection.send_space(piece_bytes)) {
        const std::size_t size = std::min(space.size(), bytes_.size());
        std::memcpy(space.data(), bytes_.data(), size);
        connection.send(to<u32>(size));
        moved += to<u32>(size);
      }
    } else {
      while (connection.received_size() > 0) {
        const std::size_t size = std::min(connection.received().size(), bytes_.size());
        std::memcpy(bytes_.data(), connection.received().data(), size);
        connection.consume(to<u32>(size), now);
        moved += to<u32>(size);
      }
    }
    moved_ += moved;
    if (moved > 0) host_.touch(handle, now);
    if (pump(now) || moved > 0) return;
    pollfd wait{.fd = tun_.fd(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, 1);
  }

  /// One batch each way; whether anything went.
  bool pump(Instant now) {
    if (host_.deadline() <= now) host_.on_deadline(now);
    std::array<link::Received, link::batch_max> in;
    const u32 heard = tun_.receive(in, now);
    for (u32 i = 0; i < heard; ++i) {
      if (i + host::Host::ahead < heard) host_.expect(0, in[i + host::Host::ahead].frame);
      host_.on_frame(0, in[i].frame, now, in[i].checksum_verified);
    }
    tun_.release();
    const u32 said = host_.poll_transmit(0, tun_.room(), now);
    tun_.transmit(said, now);
    while (host_.poll_event()) {
    }
    return heard + said > 0;
  }

  link::Tun& tun_;
  host::Host host_;
  std::vector<u8> bytes_ = std::vector<u8>(piece_bytes, 0x5a);
  u64 moved_ = 0;
};

/// The headers of a super-segment, as a host would write them.
u32 write_headers(MutBytes out, const wire::IpAddress& from, const wire::IpAddress& into) {
  const wire::TcpHeader tcp{
      .source_port = 1, .destination_port = 2, .flags = wire::TcpFlags::ack, .window = 65535};
  const u32 length = wire::tcp_header_size_of(tcp) + super_segment;
  const wire::IpHeader ip{.source = from, .destination = into, .protocol = wire::protocol_tcp};
  const u32 at = wire::emit_ip(ip, length, out);
  const u32 size = wire::emit_tcp(tcp, out.subspan(at));
  const wire::Checksum pseudo =
      wire::Checksum().add_pseudo_header(from, into, wire::protocol_tcp, length);
  store_be16(out.data() + at + 16, pseudo.sum());
  return at + size;
}

/// Writes super-segments that the kernel drops as soon as it sees for whom they are.
double bare_out(link::Tun& tun) {
  const std::vector<u8> payload(super_segment, 0x5a);
  u64 bytes = 0;
  const double before = cpu_seconds();
  while (cpu_seconds() - before < seconds) {
    const auto room = tun.room();
    for (wire::Frame& frame : room) {
      frame.header = frame.header.first(write_headers(frame.header, our_address, nobody));
      frame.payload[0] = payload;
      frame.checksum_offloaded = true;
      frame.segment_size = 1448;
    }
    tun.transmit(to<u32>(room.size()), clock_now());
    bytes += room.size() * u64{super_segment};
  }
  return to<double>(bytes) / (cpu_seconds() - before);
}

/// What the other process sends through a packet socket: super-segments, as many as go.
void flood(const std::string& device) {
  const int packets = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
  const int on = 1;
  setsockopt(packets, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_IP);
  at.sll_ifindex = to<int>(if_nametoindex(device.c_str()));
  std::vector<u8> bytes(sizeof(link::VirtioHeader) + 64 + super_segment, 0x5a);
  const u32 headers = write_headers(MutBytes(bytes).subspan(sizeof(link::VirtioHeader)),
                                    kernel_address, our_address);
  const link::VirtioHeader offload{.flags = link::VirtioHeader::needs_checksum,
                                   .gso_type = link::VirtioHeader::gso_tcp_v4,
                                   .header_length = to<u16>(headers),
                                   .segment_size = 1448,
                                   .checksum_start = 20,
                                   .checksum_offset = 16};
  std::memcpy(bytes.data(), &offload, sizeof offload);
  const std::size_t size = sizeof offload + headers + super_segment;
  while (true)
    sendto(packets, bytes.data(), size, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at);
}

/// A number that a child process tells its parent.
class SharedNumber {
 public:
  SharedNumber()
      : at_(mmap(nullptr, sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    ASSERT(at_ != MAP_FAILED);
  }
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;
  ~SharedNumber() { munmap(at_, sizeof(u64)); }
  std::atomic_ref<u64> get() const { return std::atomic_ref<u64>(*static_cast<u64*>(at_)); }

 private:
  void* at_;
};

/// Hears what comes out of the device, as a kernel's user on the other core does, and counts its
/// bytes. What crosses to another core's cache and back costs more than what is dropped at once.
void hear(const std::string& device, const SharedNumber& heard) {
  const int packets = socket(AF_PACKET, SOCK_DGRAM, 0);
  const int room = 4 << 20;
  setsockopt(packets, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_IP);
  at.sll_ifindex = to<int>(if_nametoindex(device.c_str()));
  if (bind(packets, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) _exit(1);
  std::vector<u8> bytes(wire::tcp_header_size_max + wire::ipv4_header_size + super_segment);
  for (ssize_t size = 1; size > 0; heard.get() += to<u64>(size))
    size = recv(packets, bytes.data(), bytes.size(), 0);
}

/// As much of TCP as the kernel's socket has to see to take super-segments: the handshake, sequence
/// numbers, its window. No more can be moved by any stack over this device to a socket.
class BareSender {
 public:
  explicit BareSender(link::Tun& tun) : tun_(tun) {}

  /// Bytes a CPU-second that the socket acknowledges.
  double run() {
    open();
    spend(0.2);
    const u64 before = taken_;
    const double used = spend(seconds);
    return to<double>(taken_ - before) / used;
  }

 private:
  static constexpr u32 text = 44 * 1460;

  void open() {
    wire::TcpHeader syn = header(wire::TcpFlags::syn);
    syn.options.mss = 1460;
    syn.options.window_scale = 0;
    say(syn, {});
    while (!open_) hear();
    next_ = 1;
    say(header(wire::TcpFlags::ack), {});
  }
  double spend(double time) {
    const double before = cpu_seconds();
    double used = 0;
    while ((used = cpu_seconds() - before) < time)
      for (u32 i = 0; i < rounds_a_look; ++i) round();
    return used;
  }
  void round() {
    const bool heard = hear();
    const std::span<wire::Frame> room = tun_.room();
    u32 count = 0;
    for (; count < room.size() && acknowledged_ + window_ - next_ >= text; ++count) {
      fill(room[count], header(wire::TcpFlags::ack), payload_);
      next_ += text;
    }
    tun_.transmit(count, clock_now());
    if (heard || count > 0) return;
    pollfd wait{.fd = tun_.fd(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, 1);
  }
  bool hear() {
    std::array<link::Received, link::batch_max> in;
    const u32 count = tun_.receive(in, Instant{});
    for (const link::Received& r : std::span(in).first(count)) {
      const auto ip = wire::parse_ip(r.frame);
      if (!ip || ip->header.protocol != wire::protocol_tcp) continue;
      const auto tcp =
          wire::parse_tcp(ip->payload, ip->header.source, ip->header.destination, true);
      if (!tcp || tcp->header.destination_port != our_port) continue;
      const wire::TcpHeader& h = tcp->header;
      if (h.has(wire::TcpFlags::syn)) {
        scale_ = h.options.window_scale.value_or(0);
        theirs_ = h.sequence + 1;
        open_ = true;
      }
      taken_ += h.acknowledgment - acknowledged_;
      acknowledged_ = h.acknowledgment;
      window_ = u32{h.window} << scale_;
    }
    tun_.release();
    return count > 0;
  }
  wire::TcpHeader header(u16 flags) const {
    return {.source_port = our_port,
            .destination_port = sink_port,
            .sequence = next_,
            .acknowledgment = theirs_,
            .flags = flags,
            .window = 65535};
  }
  void say(const wire::TcpHeader& tcp, Bytes payload) {
    fill(tun_.room()[0], tcp, payload);
    tun_.transmit(1, clock_now());
  }
  static void fill(wire::Frame& frame, const wire::TcpHeader& tcp, Bytes payload) {
    const u32 length = wire::tcp_header_size_of(tcp) + to<u32>(payload.size());
    const wire::IpHeader ip{
        .source = our_address, .destination = kernel_address, .protocol = wire::protocol_tcp};
    const u32 at = wire::emit_ip(ip, length, frame.header);
    const MutBytes out = frame.header.subspan(at);
    const u32 size = wire::emit_tcp(tcp, out);
    store_be16(out.data() + 16,
               wire::Checksum()
                   .add_pseudo_header(our_address, kernel_address, wire::protocol_tcp, length)
                   .sum());
    frame.header = frame.header.first(at + size);
    frame.payload = {payload, Bytes{}};
    frame.checksum_offloaded = true;
    frame.segment_size = payload.empty() ? u16{0} : u16{1460};
  }

  static constexpr u16 our_port = 40000;

  link::Tun& tun_;
  std::vector<u8> payload_ = std::vector<u8>(text, 0x5a);
  bool open_ = false;
  u8 scale_ = 0;
  u32 theirs_ = 0;
  u32 next_ = 0;
  u32 acknowledged_ = 0;
  u32 window_ = 0;
  u64 taken_ = 0;
};

double bare_in(link::Tun& tun) {
  u64 bytes = 0;
  const double before = cpu_seconds();
  while (cpu_seconds() - before < seconds) {
    std::array<link::Received, link::batch_max> in;
    const u32 heard = tun.receive(in, Instant{});
    for (const link::Received& r : std::span(in).first(heard)) bytes += r.frame.size();
    tun.release();
    if (heard > 0) continue;
    pollfd wait{.fd = tun.fd(), .events = POLLIN, .revents = 0};
    poll(&wait, 1, 1);
  }
  return to<double>(bytes) / (cpu_seconds() - before);
}

}  // namespace

std::optional<TunRates> measure_tun() {
  if (unshare(CLONE_NEWNET) != 0) return std::nullopt;
  auto tun = link::Tun::open({.name = "hfbench", .offload = true});
  if (!tun) return std::nullopt;
  const link::InterfaceOptions options{
      .mtu = 1500,
      .addresses = {{.ours = our_address, .prefix_length = 24, .kernel = kernel_address}}};
  if (!link::configure(tun->name(), options)) return std::nullopt;
  run_on(0);
  TunRates rates;
  rates.bare_out = bare_out(*tun);
  {
    const SharedNumber heard;
    const Child child([&] { hear(tun->name(), heard); });
    const double before = cpu_seconds();
    bare_out(*tun);
    rates.bare_heard = to<double>(heard.get().load()) / (cpu_seconds() - before);
  }
  {
    const Child child([&] { flood(tun->name()); });
    rates.bare_in = bare_in(*tun);
  }
  const int sink = listen_on(sink_port);
  const int source = listen_on(source_port);
  {
    const Child child([&] { serve(sink, false); });
    rates.bare_taken = BareSender(*tun).run();
  }
  {
    const Child child([&] { serve(sink, false); });
    rates.out = OurEnd(*tun).run(sink_port, true);
  }
  {
    const Child child([&] { serve(source, true); });
    rates.in = OurEnd(*tun).run(source_port, false);
  }
  return rates;
}

}  // namespace handfast::bench
