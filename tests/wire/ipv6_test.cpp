#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/ip.hpp"

namespace handfast::wire {
namespace {

constexpr u8 hop_by_hop = 0;
constexpr u8 routing = 43;
constexpr u8 fragment = 44;
constexpr u8 authentication = 51;
constexpr u8 destination_options = 60;

// An IPv6 packet whose first next header is `next`; `rest` is all behind the fixed header.
std::vector<u8> packet_with(u8 next, std::string_view rest) {
  std::vector<u8> out(ipv6_header_size);
  const auto tail = from_hex(rest);
  emit_ip({.source = alice6, .destination = bob6, .protocol = next}, to<u32>(tail.size()), out);
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

Drop drop_of(Bytes packet) {
  const Exact exact(packet);
  const auto parsed = parse_ip(exact.bytes());
  return parsed ? Drop::count_ : parsed.error();
}
Drop drop_of(u8 next, std::string_view rest) { return drop_of(packet_with(next, rest)); }

TEST(Ipv6, the_fixed_header_has_the_layout_of_rfc_8200_section_3) {
  std::vector<u8> out(40);
  emit_ip({.source = alice6,
           .destination = bob6,
           .protocol = 6,
           .hop_limit = 63,
           .traffic_class = 0xb9,
           .flow_label = 0xabcde},
          20, out);
  EXPECT_EQ(out, from_hex("6b9abcde 0014 06 3f 20010db8000000000000000000000001"
                          "20010db8000000000000000000000002"));
}

TEST(Ipv6, the_chain_is_walked_to_the_upper_layer) {
  // Hop-by-hop with a router alert, destination options, routing with no segments left, no more.
  const auto bytes = packet_with(hop_by_hop,
                                 "3c 00 0502 0000 0100"
                                 "2b 01 010a 00000000000000000000 00 00"
                                 "06 00 00 00 00000000"
                                 "aabb");
  const auto packet = parse_ip(bytes);
  ASSERT_TRUE(packet) << to_string(packet.error());
  EXPECT_EQ(packet->header.protocol, 6);
  EXPECT_EQ(packet->header_size, 72);
  EXPECT_EQ(packet->next_header_at, 64);
  EXPECT_EQ(packet->payload.size(), 2u);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(drop_of(Bytes(bytes).first(size)), Drop::truncated) << size;
}

TEST(Ipv6, without_extensions_the_next_header_field_is_the_seventh_octet) {
  EXPECT_EQ(parse_ip(packet_with(17, "00"))->next_header_at, 6);
}

TEST(Ipv6, a_chain_that_runs_out_of_the_packet_is_truncated) {
  EXPECT_EQ(drop_of(destination_options, ""), Drop::truncated);
  EXPECT_EQ(drop_of(destination_options, "06 00 0104 000000"), Drop::truncated);
  EXPECT_EQ(drop_of(destination_options, "06 01 0104 00000000"), Drop::truncated);
  EXPECT_EQ(drop_of(fragment, "06 00 0001 000000"), Drop::truncated);
}

TEST(Ipv6, hop_by_hop_stands_first_or_not_at_all) {
  EXPECT_EQ(drop_of(hop_by_hop, "06 00 0104 00000000"), Drop::count_);
  EXPECT_EQ(drop_of(hop_by_hop, "00 00 0104 00000000 06 00 0104 00000000"), Drop::bad_extension);
  EXPECT_EQ(drop_of(destination_options, "00 00 0104 00000000 06 00 0104 00000000"),
            Drop::bad_extension);
}

TEST(Ipv6, eight_extension_headers_are_walked_and_nine_are_too_many) {
  std::string chain;
  for (int i = 0; i < 7; ++i) chain += "3c 00 0104 00000000";
  EXPECT_EQ(drop_of(destination_options, chain + "06 00 0104 00000000"), Drop::count_);
  EXPECT_EQ(drop_of(destination_options, chain + "3c 00 0104 00000000 06 00 0104 00000000"),
            Drop::bad_extension);
}

TEST(Ipv6, a_routing_header_with_segments_left_is_refused_whatever_its_type) {
  for (const std::string_view type : {"00", "02", "04", "fd"})
    EXPECT_EQ(drop_of(routing, "06 00 " + std::string(type) + " 01 00000000"), Drop::bad_extension);
}

TEST(Ipv6, options_that_say_so_discard_the_packet) {
  EXPECT_EQ(drop_of(destination_options, "06 00 1e04 00000000"), Drop::count_) << "00: skip";
  EXPECT_EQ(drop_of(destination_options, "06 00 5e04 00000000"), Drop::bad_option);
  EXPECT_EQ(drop_of(destination_options, "06 00 9e04 00000000"), Drop::bad_option);
  EXPECT_EQ(drop_of(hop_by_hop, "06 00 c204 00010000"), Drop::bad_option) << "jumbo payload";
}

TEST(Ipv6, an_option_that_runs_out_of_its_header_is_refused) {
  EXPECT_EQ(drop_of(destination_options, "06 00 0105 00000000"), Drop::bad_option);
  EXPECT_EQ(drop_of(destination_options, "06 00 0000 000000 01"), Drop::bad_option);
}

TEST(Ipv6, authentication_and_unknown_headers_are_upper_layers) {
  EXPECT_EQ(parse_ip(packet_with(authentication, "06 01"))->header.protocol, authentication);
  EXPECT_EQ(parse_ip(packet_with(253, "06 01"))->header.protocol, 253);
  EXPECT_EQ(parse_ip(packet_with(59, "06 01"))->header.protocol, protocol_no_next_header);
}

TEST(Ipv6, a_fragment_is_recognised_behind_other_headers) {
  const auto packet =
      parse_ip(packet_with(destination_options, "2c 00 0104 00000000 11 00 0010 01020304 aabb"));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.fragment, (Fragment{0x01020304, 16, false}));
  EXPECT_EQ(packet->header.protocol, 17);
  EXPECT_EQ(packet->header_size, 56);
  EXPECT_EQ(packet->next_header_at, 48);
  EXPECT_EQ(packet->payload.size(), 2u);
}

TEST(Ipv6, an_atomic_fragment_is_no_fragment) {
  const auto packet = parse_ip(packet_with(fragment, "3c 00 0000 01020304 06 00 0104 00000000 aa"));
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->header.fragment);
  EXPECT_EQ(packet->header.protocol, 6);
  EXPECT_EQ(packet->payload.size(), 1u);
}

TEST(Ipv6, impossible_fragments_are_refused) {
  EXPECT_EQ(drop_of(fragment, "06 00 0001 00000001 0102030405060708"), Drop::count_);
  EXPECT_EQ(drop_of(fragment, "06 00 0001 00000001 01020304050607"), Drop::bad_fragment);
  EXPECT_EQ(drop_of(fragment, "06 00 0008 00000001"), Drop::bad_fragment) << "empty";
  EXPECT_EQ(drop_of(fragment, "06 00 fff8 00000001 01020304050607"), Drop::count_);
  EXPECT_EQ(drop_of(fragment, "06 00 fff8 00000001 0102030405060708"), Drop::bad_fragment);
  EXPECT_EQ(drop_of(fragment, "2c 00 0000 00000001 06 00 0008 00000001 01"), Drop::bad_extension)
      << "a fragment of a fragment";
}

TEST(Ipv6, a_first_fragment_holds_all_headers_through_the_upper_layer) {
  EXPECT_EQ(drop_of(fragment, "3c 00 0001 00000001 06 00 0104 00000000"), Drop::count_);
  EXPECT_EQ(drop_of(fragment, "3c 00 0001 00000001 06 01 0104 00000000"), Drop::truncated);
  EXPECT_EQ(drop_of(fragment, "2c 00 0001 00000001 06 00 0000 00000000"), Drop::bad_extension);
  EXPECT_EQ(drop_of(fragment, "3c 00 0009 00000001 06 01 0104 00000000"), Drop::count_)
      << "only the first one";
}

TEST(Ipv6, headers_behind_the_fragment_header_are_walked_after_reassembly) {
  const auto first = parse_ip(packet_with(fragment, "3c 00 0001 00000001 06 00 0104 00000000"));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->header.protocol, destination_options);
  const auto payload = from_hex("06 00 0104 00000000 aabbcc");
  const auto whole = parse_reassembled(first->header, payload);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->header.protocol, 6);
  EXPECT_FALSE(whole->header.fragment);
  EXPECT_EQ(whole->payload.size(), 3u);
  EXPECT_EQ(parse_reassembled(first->header, Bytes(payload).first(7)).error(), Drop::truncated);
  IpHeader nested = first->header;
  nested.protocol = hop_by_hop;
  EXPECT_EQ(parse_reassembled(nested, payload).error(), Drop::bad_extension);
  EXPECT_EQ(parse_reassembled(nested, std::vector<u8>(65536)).error(), Drop::bad_fragment);
}

TEST(Ipv6, addresses_that_nobody_may_have_are_refused) {
  const auto with = [](std::string_view source, std::string_view destination) {
    auto bytes = packet_with(6, "");
    const auto from = from_hex(source);
    const auto into = from_hex(destination);
    std::copy(from.begin(), from.end(), bytes.begin() + 8);
    std::copy(into.begin(), into.end(), bytes.begin() + 24);
    return drop_of(bytes);
  };
  const std::string_view host = "20010db8000000000000000000000001";
  const std::string_view group = "ff020000000000000000000000000001";
  const std::string_view none = "00000000000000000000000000000000";
  const std::string_view mapped = "00000000000000000000ffffc0000201";
  EXPECT_EQ(with(host, group), Drop::count_);
  EXPECT_EQ(with(none, group), Drop::count_) << "duplicate address detection";
  EXPECT_EQ(with(group, host), Drop::bad_address);
  EXPECT_EQ(with(mapped, host), Drop::bad_address);
  EXPECT_EQ(with(host, mapped), Drop::bad_address);
  EXPECT_EQ(with(host, none), Drop::bad_address);
}

TEST(Ipv6, a_quoted_packet_is_read_however_it_was_cut) {
  const auto bytes = packet_with(destination_options, "06 00 0104 00000000 0102030405060708");
  const auto quoted = parse_quoted(Bytes(bytes).first(52));
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->header.protocol, 6);
  EXPECT_EQ(quoted->payload.size(), 4u);
  EXPECT_EQ(parse_quoted(Bytes(bytes).first(47)).error(), Drop::truncated);
  EXPECT_EQ(parse_quoted(Bytes(bytes).first(39)).error(), Drop::truncated);
}

}  // namespace
}  // namespace handfast::wire
