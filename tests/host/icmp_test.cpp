// Echo, errors out and errors in: RFC 1122 §3.2.2, RFC 4443.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/host.hpp"
#include "support/lan.hpp"
#include "support/packets.hpp"

namespace handfast::test {
namespace {

using host::Host;
using trace::LinkType;
using wire::Drop;
using wire::IcmpEcho;
using wire::IcmpError;
using wire::IcmpProblem;

/// One host on raw IP with the addresses 192.0.2.1 and 2001:db8::1; a stranger sends to it.
struct Alone {
  explicit Alone(const host::Config& config = host_config(1, LinkType::ip))
      : host(lan.add(config)) {}
  void hear(const Packet& packet) { lan.inject(packet); }
  template <class T>
  std::vector<T> said() const {
    std::vector<T> all;
    for (const Packet& frame : lan.seen)
      if (const auto message = as_icmp<T>(frame, false)) all.push_back(*message);
    return all;
  }
  Lan lan;
  Host& host;
};

Packet ping(std::string_view source, std::string_view destination, Bytes data) {
  return icmp(address(source), address(destination),
              IcmpEcho{.reply = false, .identifier = 7, .sequence = 9, .data = data});
}

TEST(Echo, is_answered_with_the_same_data_over_both_versions) {
  Alone alone;
  alone.hear(ping("192.0.2.9", "192.0.2.1", as_bytes("twelve bytes")));
  alone.hear(ping("2001:db8::9", "2001:db8::1", as_bytes("twelve bytes")));
  const auto replies = alone.said<IcmpEcho>();
  ASSERT_EQ(replies.size(), 2u);
  for (const IcmpEcho& reply : replies) {
    EXPECT_TRUE(reply.reply);
    EXPECT_EQ(reply.identifier, 7);
    EXPECT_EQ(reply.sequence, 9);
    EXPECT_EQ(as_text(reply.data), "twelve bytes");
  }
  EXPECT_EQ(as_ip(alone.lan.seen[0], false)->header.source, address("192.0.2.1"));
  EXPECT_EQ(alone.host.counters().echo_replies, 2u);
}

TEST(Echo, to_a_v4_group_is_not_answered_and_to_a_v6_group_is) {
  Alone alone;
  alone.hear(ping("192.0.2.9", "192.0.2.255", as_bytes("x")));
  alone.hear(ping("192.0.2.9", "224.0.0.1", as_bytes("x")));
  EXPECT_TRUE(alone.lan.seen.empty());
  alone.hear(ping("2001:db8::9", "ff02::1", as_bytes("x")));
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  EXPECT_EQ(as_ip(alone.lan.seen[0], false)->header.source, address("2001:db8::1"));
}

TEST(Echo, of_a_size_that_needs_fragments_comes_back_in_fragments) {
  for (const bool v4 : {true, false}) {
    Alone alone;
    const auto source = address(v4 ? "192.0.2.9" : "2001:db8::9");
    const auto destination = address(v4 ? "192.0.2.1" : "2001:db8::1");
    Packet body(8 + 4000, 'e');
    wire::IcmpEcho echo{.identifier = 1, .data = Bytes(body).subspan(8)};
    Packet message(5000);
    message.resize(v4 ? wire::emit_icmpv4(echo, message)
                      : wire::emit_icmpv6(echo, source, destination, message));
    wire::IpHeader header{.source = source,
                          .destination = destination,
                          .protocol = v4 ? wire::protocol_icmp : wire::protocol_icmpv6};
    for (u32 offset = 0; offset < message.size(); offset += 1400) {
      const auto piece =
          Bytes(message).subspan(offset, std::min<std::size_t>(1400, message.size() - offset));
      header.fragment = wire::Fragment{77, offset, offset + 1400 < message.size()};
      alone.hear(ip(header, piece));
    }
    EXPECT_EQ(alone.host.counters().datagrams_reassembled, 1u);
    EXPECT_EQ(alone.host.counters().echo_replies, 1u);
    ASSERT_EQ(alone.lan.seen.size(), 3u);
    u32 carried = 0;
    for (const Packet& frame : alone.lan.seen) {
      EXPECT_LE(frame.size(), 1500u);
      const auto packet = as_ip(frame, false);
      ASSERT_TRUE(packet && packet->header.fragment.has_value());
      EXPECT_EQ(packet->header.fragment->offset, carried);
      carried += to<u32>(packet->payload.size());
    }
    EXPECT_EQ(carried, message.size());
  }
}

TEST(Echo, with_a_bad_checksum_is_dropped) {
  Alone alone;
  Packet packet = ping("192.0.2.9", "192.0.2.1", as_bytes("data"));
  packet.back() ^= 1;
  alone.hear(packet);
  EXPECT_TRUE(alone.lan.seen.empty());
  EXPECT_EQ(dropped(alone.host, Drop::bad_checksum), 1u);
}

TEST(IcmpErrors, udp_to_nobody_is_port_unreachable_and_quotes_the_datagram) {
  Alone alone;
  const Packet four = udp(endpoint("192.0.2.9:1000"), endpoint("192.0.2.1:53"), as_bytes("?"));
  const Packet six =
      udp(endpoint("[2001:db8::9]:1000"), endpoint("[2001:db8::1]:53"), as_bytes("?"));
  alone.hear(four);
  alone.hear(six);
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  const auto first = as_icmp<IcmpError>(alone.lan.seen[0], false);
  const auto second = as_icmp<IcmpError>(alone.lan.seen[1], false);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->problem, IcmpProblem::port_unreachable);
  EXPECT_EQ(second->problem, IcmpProblem::port_unreachable);
  EXPECT_EQ(Packet(first->original.begin(), first->original.end()), four);
  EXPECT_EQ(Packet(second->original.begin(), second->original.end()), six);
  EXPECT_EQ(dropped(alone.host, Drop::no_socket), 2u);
}

TEST(IcmpErrors, an_unknown_protocol_is_reported_in_the_way_of_each_version) {
  Alone alone;
  alone.hear(
      ip({.source = address("192.0.2.9"), .destination = address("192.0.2.1"), .protocol = 200},
         as_bytes("who knows")));
  alone.hear(
      ip({.source = address("2001:db8::9"), .destination = address("2001:db8::1"), .protocol = 200},
         as_bytes("who knows")));
  const auto errors = alone.said<IcmpError>();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].problem, IcmpProblem::protocol_unreachable);
  EXPECT_EQ(errors[1].type, 4);  // parameter problem,
  EXPECT_EQ(errors[1].code, 1);  // unrecognized next header,
  EXPECT_EQ(errors[1].mtu, 6u);  // which stands at byte 6
}

TEST(IcmpErrors, are_never_sent_about_errors_groups_or_strange_sources) {
  Alone alone;
  const Packet original = udp(endpoint("192.0.2.1:9"), endpoint("192.0.2.9:9"), as_bytes("x"));
  // An error about an unknown flow, a group, no single source, and a later fragment.
  alone.hear(icmp(address("192.0.2.9"), address("192.0.2.1"),
                  IcmpError{.problem = IcmpProblem::port_unreachable, .original = original}));
  alone.hear(udp(endpoint("192.0.2.9:1"), endpoint("192.0.2.255:9"), as_bytes("x")));
  alone.hear(udp(endpoint("192.0.2.9:1"), endpoint("224.0.0.1:9"), as_bytes("x")));
  alone.hear(udp(endpoint("0.0.0.0:1"), endpoint("192.0.2.1:9"), as_bytes("x")));
  alone.hear(udp(endpoint("192.0.2.255:1"), endpoint("192.0.2.1:9"), as_bytes("x")));
  alone.hear(udp(endpoint("127.0.0.1:1"), endpoint("192.0.2.1:9"), as_bytes("x")));
  alone.hear(ip({.source = address("2001:db8::9"),
                 .destination = address("2001:db8::1"),
                 .protocol = wire::protocol_no_next_header},
                {}));
  EXPECT_TRUE(alone.lan.seen.empty());
  EXPECT_EQ(alone.host.counters().icmp_errors_out, 0u);
}

TEST(IcmpErrors, have_a_limit_a_second) {
  host::Config config = host_config(1, LinkType::ip);
  config.icmp_errors_per_second_max = 5;
  Alone alone(config);
  const Packet packet = udp(endpoint("192.0.2.9:1"), endpoint("192.0.2.1:9"), as_bytes("x"));
  for (int i = 0; i < 20; ++i) alone.hear(packet);
  EXPECT_EQ(alone.lan.seen.size(), 5u);
  alone.lan.run_for(1s);
  alone.hear(packet);
  EXPECT_EQ(alone.lan.seen.size(), 6u);
}

TEST(IcmpErrors, quote_no_more_than_fits_into_what_every_host_takes) {
  Alone alone;
  const Packet data(1400, 'd');
  alone.hear(udp(endpoint("192.0.2.9:1"), endpoint("192.0.2.1:9"), data));
  alone.hear(udp(endpoint("[2001:db8::9]:1"), endpoint("[2001:db8::1]:9"), data));
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  EXPECT_EQ(alone.lan.seen[0].size(), 576u);
  EXPECT_EQ(alone.lan.seen[1].size(), 1280u);
}

TEST(IcmpErrors, about_our_datagram_reach_its_socket) {
  Alone alone;
  const auto socket = *alone.host.udp_open(endpoint("0.0.0.0:5000"), alone.lan.now);
  ASSERT_TRUE(alone.host.udp_send(socket, endpoint("192.0.2.9:53"), as_bytes("?"), alone.lan.now));
  alone.lan.flush();
  alone.hear(icmp(address("192.0.2.9"), address("192.0.2.1"),
                  IcmpError{.problem = IcmpProblem::port_unreachable,
                            .original = Bytes(alone.lan.seen[0]).first(28)}));
  const auto events = Lan::events(alone.host);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, host::Event::Kind::udp_error);
  const auto error = alone.host.udp_receive_error(socket);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->destination, endpoint("192.0.2.9:53"));
  EXPECT_EQ(error->error.problem, IcmpProblem::port_unreachable);
  EXPECT_FALSE(alone.host.udp_receive_error(socket).has_value());
}

TEST(IcmpErrors, about_our_syn_end_the_open_and_forged_ones_do_not) {
  for (const bool forged : {false, true}) {
    Alone alone;
    const auto connection = *alone.host.connect(endpoint("192.0.2.9:80"), alone.lan.now);
    alone.lan.flush();
    Packet quoted = alone.lan.seen[0];
    if (forged) quoted[27] ^= 0x55;  // the low octet of the sequence number
    alone.hear(icmp(
        address("192.0.2.7"), address("192.0.2.1"),
        IcmpError{.problem = IcmpProblem::host_unreachable, .original = Bytes(quoted).first(28)}));
    EXPECT_EQ(alone.host.find(connection)->state(),
              forged ? tcp::State::syn_sent : tcp::State::closed);
    if (!forged) {
      EXPECT_EQ(alone.host.find(connection)->error(), tcp::Errc::unreachable);
    }
  }
}

TEST(PathMtu, packet_too_big_makes_later_datagrams_smaller) {
  Alone alone;
  const auto socket = *alone.host.udp_open(endpoint("[::]:5000"), alone.lan.now);
  const Packet data(1400, 'd');
  const auto there = endpoint("[2001:db8::9]:53");
  ASSERT_TRUE(alone.host.udp_send(socket, there, data, alone.lan.now));
  alone.lan.flush();
  ASSERT_EQ(alone.lan.seen.size(), 1u);
  const Packet original = alone.lan.seen[0];
  alone.hear(icmp(address("2001:db8::7"), address("2001:db8::1"),
                  IcmpError{.problem = IcmpProblem::packet_too_big,
                            .mtu = 1300,
                            .original = Bytes(original).first(1000)}));
  alone.lan.seen.clear();
  ASSERT_TRUE(alone.host.udp_send(socket, there, data, alone.lan.now));
  alone.lan.flush();
  ASSERT_EQ(alone.lan.seen.size(), 2u);
  EXPECT_LE(alone.lan.seen[0].size(), 1300u);
  // And is forgotten after ten minutes.
  alone.lan.run_for(601s);
  alone.lan.seen.clear();
  ASSERT_TRUE(alone.host.udp_send(socket, there, data, alone.lan.now));
  alone.lan.flush();
  EXPECT_EQ(alone.lan.seen.size(), 1u);
}

TEST(PathMtu, about_a_datagram_that_nobody_sent_changes_nothing) {
  Alone alone;
  const Packet original =
      udp(endpoint("[2001:db8::1]:5000"), endpoint("[2001:db8::9]:53"), as_bytes("x"));
  alone.hear(
      icmp(address("2001:db8::7"), address("2001:db8::1"),
           IcmpError{.problem = IcmpProblem::packet_too_big, .mtu = 1280, .original = original}));
  const auto socket = *alone.host.udp_open(endpoint("[::]:5000"), alone.lan.now);
  const Packet data(1400, 'd');
  ASSERT_TRUE(alone.host.udp_send(socket, endpoint("[2001:db8::9]:53"), data, alone.lan.now));
  alone.lan.flush();
  EXPECT_EQ(alone.lan.seen.size(), 1u);
}

}  // namespace
}  // namespace handfast::test
