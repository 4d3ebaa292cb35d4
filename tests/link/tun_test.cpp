// TUN and TAP against the kernel, each test in a network namespace of its own that ends with it.
#include "link/tun.hpp"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "link/frames.hpp"
#include "link/interface.hpp"
#include "link/kernel.hpp"
#include "wire/arp.hpp"
#include "wire/icmp.hpp"
#include "wire/udp.hpp"

namespace handfast::link {
namespace {

using testing::HasSubstr;

constexpr u16 our_port = 7;
constexpr unsigned nobody = 65'534;

/// A UDP socket of the kernel's, connected to our port.
class KernelSocket {
 public:
  explicit KernelSocket(const wire::IpAddress& to)
      : fd_(socket(to.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, 0)) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_in6);
    if (to.is_v4()) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = htons(our_port);
      std::memcpy(&v4.sin_addr, to.v4_octets(), 4);
      std::memcpy(&storage, &v4, sizeof v4);
      size = sizeof v4;
    } else {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(our_port);
      std::memcpy(&v6.sin6_addr, to.octets.data(), 16);
      std::memcpy(&storage, &v6, sizeof v6);
    }
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0;
  }
  KernelSocket(const KernelSocket&) = delete;
  KernelSocket& operator=(const KernelSocket&) = delete;
  ~KernelSocket() { close(fd_); }

  bool connected() const { return connected_; }
  bool say(std::string_view text) const {
    return ::send(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }
  std::string hear() const {
    std::array<char, 2048> text{};
    if (!readable(fd_)) return "nothing";
    const ssize_t got = recv(fd_, text.data(), text.size(), 0);
    return got < 0 ? std::strerror(errno) : std::string(text.data(), static_cast<size_t>(got));
  }

 private:
  int fd_;
  bool connected_ = false;
};

/// Answers one datagram to our port with its text in capitals.
Octets answer_to(Bytes packet, trace::LinkType link_type) {
  const auto ip = wire::parse_ip(packet);
  const auto udp = wire::parse_udp(ip->payload, ip->header.source, ip->header.destination);
  Octets payload(udp->payload.begin(), udp->payload.end());
  for (u8& octet : payload) octet = static_cast<u8>(std::toupper(octet));
  wire::IpHeader header;
  header.source = ip->header.destination;
  header.destination = ip->header.source;
  header.protocol = wire::protocol_udp;
  Octets datagram(wire::udp_header_size);
  wire::emit_udp({udp->header.destination_port, udp->header.source_port}, payload, header.source,
                 header.destination, datagram);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  return ip_frame(link_type, header, datagram);
}

bool is_to_our_port(Bytes packet) {
  const auto ip = wire::parse_ip(packet);
  if (!ip || ip->header.protocol != wire::protocol_udp) return false;
  const auto udp = wire::parse_udp(ip->payload, ip->header.source, ip->header.destination);
  return udp && udp->header.destination_port == our_port;
}

void exchange_over_tun(const wire::IpAddress& ours, u8 prefix_length, bool offload) {
  auto tun =
      open_configured({.name = "hf0", .offload = offload}, {.addresses = {{ours, prefix_length}}});
  ASSERT_TRUE(tun) << tun.error().what;
  EXPECT_EQ(tun->name(), "hf0");
  KernelSocket kernel(ours);
  ASSERT_TRUE(kernel.connected()) << "no route: " << std::strerror(errno);
  ASSERT_TRUE(kernel.say("hello"));
  const Octets frame =
      next_frame(*tun, [](const Received& in) { return is_to_our_port(in.frame); });
  ASSERT_FALSE(frame.empty());
  EXPECT_EQ(wire::parse_ip(frame)->header.source, *kernel_address_for(ours, prefix_length));
  transmit(*tun, answer_to(frame, trace::LinkType::ip));
  EXPECT_EQ(kernel.hear(), "HELLO");
  EXPECT_EQ(tun->counters().frames_sent, 1u);
  EXPECT_FALSE(tun->fault());
}

TEST(Tun, exchanges_ipv4_with_the_kernel_at_once) {
  IN_OWN_NAMESPACE([] { exchange_over_tun(here_v4, 24, false); });
}

TEST(Tun, exchanges_ipv6_with_the_kernel_at_once) {
  IN_OWN_NAMESPACE([] { exchange_over_tun(here_v6, 64, false); });
}

TEST(Tun, exchanges_the_same_with_offloads_on) {
  IN_OWN_NAMESPACE([] {
    exchange_over_tun(here_v4, 24, true);
    exchange_over_tun(here_v6, 64, true);
  });
}

TEST(Tun, a_point_to_point_pair_reaches_a_kernel_address_outside_the_prefix) {
  IN_OWN_NAMESPACE([] {
    const auto kernel = wire::IpAddress::v4(198, 51, 100, 9);
    auto tun = open_configured({.name = "hf0"}, {.addresses = {{here_v4, 32, kernel}}});
    ASSERT_TRUE(tun) << tun.error().what;
    KernelSocket socket(here_v4);
    ASSERT_TRUE(socket.say("hello"));
    const Octets frame =
        next_frame(*tun, [](const Received& in) { return is_to_our_port(in.frame); });
    ASSERT_FALSE(frame.empty());
    EXPECT_EQ(wire::parse_ip(frame)->header.source, kernel);
  });
}

TEST(Tun, the_kernel_answers_a_ping_of_ours) {
  IN_OWN_NAMESPACE([] {
    auto tun = open_configured({.name = "hf0"}, {.addresses = {{here_v4, 24}}});
    ASSERT_TRUE(tun) << tun.error().what;
    Octets echo(64);
    echo.resize(wire::emit_icmpv4(
        wire::IcmpEcho{.identifier = 5, .sequence = 1, .data = as_bytes("ping")}, echo));
    wire::IpHeader header;
    header.source = here_v4;
    header.destination = kernel_v4;
    header.protocol = wire::protocol_icmp;
    transmit(*tun, ip_frame(trace::LinkType::ip, header, echo));
    const Octets frame = next_frame(*tun, [](const Received& in) {
      const auto ip = wire::parse_ip(in.frame);
      if (!ip || ip->header.protocol != wire::protocol_icmp) return false;
      const auto message = wire::parse_icmpv4(ip->payload);
      const auto* reply = message ? std::get_if<wire::IcmpEcho>(&*message) : nullptr;
      return reply != nullptr && reply->reply && reply->identifier == 5;
    });
    EXPECT_FALSE(frame.empty());
  });
}

TEST(Tun, mtu_is_set_and_told) {
  IN_OWN_NAMESPACE([] {
    auto tun = open_configured({.name = "hf0"}, {.mtu = 1400, .addresses = {{here_v6, 64}}});
    ASSERT_TRUE(tun) << tun.error().what;
    EXPECT_EQ(tun->caps().mtu, 1400u);
    EXPECT_EQ(tun->caps().link_type, trace::LinkType::ip);
    EXPECT_TRUE(configure("hf0", {.mtu = 9000, .addresses = {{here_v6, 64}}}));  // once more
    EXPECT_EQ(tun->caps().mtu, 9000u);
  });
}

TEST(Tap, carries_ethernet_and_the_kernel_asks_for_our_address) {
  IN_OWN_NAMESPACE([] {
    auto tap =
        open_configured({.name = "hf1", .mode = TunMode::tap}, {.addresses = {{here_v4, 24}}});
    ASSERT_TRUE(tap) << tap.error().what;
    EXPECT_EQ(tap->caps().link_type, trace::LinkType::ethernet);
    KernelSocket kernel(here_v4);
    ASSERT_TRUE(kernel.say("hello"));

    wire::MacAddress kernel_mac;
    const wire::MacAddress our_mac{{2, 0, 0, 0, 0, 2}};
    const Octets request = next_frame(*tap, [&](const Received& in) {
      const auto ethernet = wire::parse_ethernet(in.frame);
      if (!ethernet || ethernet->header.ether_type != wire::ether_type_arp) return false;
      const auto arp = wire::parse_arp(ethernet->payload);
      if (!arp || arp->target_ip != here_v4) return false;
      kernel_mac = arp->sender_mac;
      return true;
    });
    ASSERT_FALSE(request.empty());
    Octets reply(wire::ethernet_header_size + wire::arp_size);
    wire::emit_ethernet({kernel_mac, our_mac, wire::ether_type_arp}, reply);
    wire::emit_arp({wire::ArpPacket::Operation::reply, our_mac, here_v4, kernel_mac, kernel_v4},
                   MutBytes(reply).subspan(wire::ethernet_header_size));
    transmit(*tap, reply);

    const Octets datagram = next_frame(*tap, [&](const Received& in) {
      const auto ethernet = wire::parse_ethernet(in.frame);
      return ethernet && ethernet->header.destination == our_mac &&
             is_to_our_port(ethernet->payload);
    });
    ASSERT_FALSE(datagram.empty());
    Octets answer =
        answer_to(Bytes(datagram).subspan(wire::ethernet_header_size), trace::LinkType::ethernet);
    wire::emit_ethernet({kernel_mac, our_mac, wire::ether_type_ipv4}, answer);
    transmit(*tap, answer);
    EXPECT_EQ(kernel.hear(), "HELLO");
  });
}

TEST(Tun, receives_many_frames_in_batches_that_stay_until_release) {
  IN_OWN_NAMESPACE([] {
    auto tun = open_configured({.name = "hf0"}, {.addresses = {{here_v4, 24}}});
    ASSERT_TRUE(tun) << tun.error().what;
    KernelSocket kernel(here_v4);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(kernel.say("message " + std::to_string(i)));
    std::array<Received, batch_max> in;
    u32 seen = 0, largest = 0;
    while (const u32 count = tun->receive(in, Instant{})) {
      largest = std::max(largest, count);
      for (u32 i = 0; i < count; ++i) {
        if (!is_to_our_port(in[i].frame)) continue;
        EXPECT_THAT(std::string(as_text(in[i].frame)),
                    HasSubstr("message " + std::to_string(seen++)));
      }
      tun->release();
    }
    EXPECT_EQ(seen, 100u);
    EXPECT_EQ(largest, batch_max);
  });
}

TEST(Tun, a_link_that_is_down_refuses_frames_and_counts_them) {
  IN_OWN_NAMESPACE([] {
    auto tun = Tun::open({.name = "hf0"});
    ASSERT_TRUE(tun) << tun.error().what;
    transmit(*tun, tcp_frame(wire::TcpFlags::syn));
    EXPECT_EQ(tun->counters().frames_refused, 1u);
    EXPECT_FALSE(tun->fault());
  });
}

TEST(TunErrors, a_device_that_is_in_use_is_said_to_be) {
  IN_OWN_NAMESPACE([] {
    auto first = Tun::open({.name = "hf0"});
    ASSERT_TRUE(first) << first.error().what;
    const auto second = Tun::open({.name = "hf0"});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EBUSY);
    EXPECT_EQ(second.error().what, "hf0 is in use by another process");
  });
}

TEST(TunErrors, an_interface_of_another_kind_is_said_to_be) {
  IN_OWN_NAMESPACE([] {
    auto tap = Tun::open({.name = "hf0", .mode = TunMode::tap});
    ASSERT_TRUE(tap) << tap.error().what;
    for (const char* name : {"hf0", "lo"}) {
      const auto tun = Tun::open({.name = name});
      ASSERT_FALSE(tun);
      EXPECT_EQ(tun.error().code, EINVAL);
      EXPECT_THAT(tun.error().what, HasSubstr("exists and is not a tun device"));
      EXPECT_THAT(tun.error().advice, HasSubstr("choose another name"));
    }
  });
}

TEST(TunErrors, without_privilege_the_advice_names_what_is_missing) {
  IN_OWN_NAMESPACE([] {
    auto made_by_root = Tun::open({.name = "hf0"});
    ASSERT_TRUE(made_by_root) << made_by_root.error().what;
    // The system call and not the library's function: this thread alone steps down.
    ASSERT_EQ(syscall(SYS_setresuid, nobody, nobody, nobody), 0);
    const auto denied = configure("hf0", {.addresses = {{here_v4, 24}}});
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code, EPERM);
    EXPECT_THAT(denied.error().what, HasSubstr("CAP_NET_ADMIN"));
    EXPECT_THAT(denied.error().advice, HasSubstr("root"));

    const auto tun = Tun::open({.name = "hf9"});
    ASSERT_FALSE(tun);
    EXPECT_THAT(tun.error().code, testing::AnyOf(EPERM, EACCES));
    EXPECT_THAT(tun.error().what, HasSubstr("no permission"));
    EXPECT_THAT(tun.error().advice, HasSubstr("root"));
  });
}

TEST(TunErrors, a_removed_device_is_a_fault) {
  IN_OWN_NAMESPACE([] {
    auto tun = open_configured({.name = "hf0"}, {.addresses = {{here_v4, 24}}});
    ASSERT_TRUE(tun) << tun.error().what;
    if (std::system("ip link del hf0") != 0) GTEST_SKIP() << "`ip` is not installed";
    std::array<Received, 1> in;
    while (tun->receive(in, Instant{}) != 0) tun->release();
    transmit(*tun, tcp_frame(wire::TcpFlags::syn));
    ASSERT_TRUE(tun->fault());
    EXPECT_EQ(tun->fault()->what, "hf0 was removed");
  });
}

TEST(TunErrors, names_that_no_interface_can_have_are_refused) {
  const auto too_long = Tun::open({.name = "a-name-of-16-chr"});
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ENAMETOOLONG);
  EXPECT_EQ(too_long.error().advice, "use at most 15 characters");
  for (const char* name : {"a/b", "a b", ".", "..", "a:1", "%d"}) EXPECT_FALSE(Tun::open({name}));
}

TEST(Interface, an_unknown_one_is_said_to_be) {
  const auto missing = configure("hf-none", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what, "there is no interface hf-none");
}

struct KernelAddress {
  const char* ours;
  u8 prefix_length;
  const char* kernel;  // or null: there is none
};

TEST(Interface, the_kernel_gets_the_first_host_address_that_is_not_ours) {
  for (const auto& [ours, prefix_length, kernel] : {
           KernelAddress{"192.0.2.2", 24, "192.0.2.1"},
           KernelAddress{"192.0.2.1", 24, "192.0.2.2"},
           KernelAddress{"10.1.2.3", 8, "10.0.0.1"},
           KernelAddress{"192.0.2.130", 25, "192.0.2.129"},
           KernelAddress{"192.0.2.6", 30, "192.0.2.5"},
           KernelAddress{"192.0.2.4", 31, "192.0.2.5"},
           KernelAddress{"192.0.2.5", 31, "192.0.2.4"},
           KernelAddress{"192.0.2.5", 32, nullptr},
           KernelAddress{"192.0.2.5", 33, nullptr},
           KernelAddress{"2001:db8::2", 64, "2001:db8::1"},
           KernelAddress{"2001:db8::1", 64, "2001:db8::2"},
           KernelAddress{"2001:db8::ab:1", 112, "2001:db8::ab:2"},
           KernelAddress{"2001:db8::7", 127, "2001:db8::6"},
           KernelAddress{"2001:db8::7", 128, nullptr},
       }) {
    SCOPED_TRACE(testing::Message() << ours << "/" << int{prefix_length});
    const auto chosen = kernel_address_for(*wire::IpAddress::parse(ours), prefix_length);
    ASSERT_EQ(chosen.has_value(), kernel != nullptr);
    if (kernel != nullptr) {
      EXPECT_EQ(to_string(*chosen), kernel);
    }
  }
}

TEST(Interface, what_cannot_be_is_refused_before_anything_is_changed) {
  const InterfaceOptions same{.addresses = {{here_v4, 24, here_v4}}};
  const InterfaceOptions mixed{.addresses = {{here_v4, 24, kernel_v6}}};
  const InterfaceOptions small{.mtu = 576, .addresses = {{here_v6, 64}}};
  EXPECT_EQ(configure("lo", same).error().what, "both ends cannot be 192.0.2.2");
  EXPECT_EQ(configure("lo", mixed).error().what,
            "192.0.2.2/24 and 2001:db8::1 are not of one family");
  EXPECT_EQ(configure("lo", small).error().what, "an MTU of 576 is too small for IPv6");
}

}  // namespace
}  // namespace handfast::link
