#include <algorithm>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"

namespace handfast::wire {
namespace {

const IpAddress group = *IpAddress::parse("ff02::1:ff00:2");  // bob6's solicited-node group
const IpAddress all_nodes = *IpAddress::parse("ff02::1");
const IpAddress router6 = *IpAddress::parse("fe80::1");
const MacAddress mac{{2, 0, 0, 0, 0, 1}};

struct Way {
  IpAddress source = alice6;
  IpAddress destination = bob6;
  u8 hop_limit = 255;
};

std::vector<u8> emitted(const IcmpMessage& message, const Way& way = {}, std::size_t room = 1500) {
  std::vector<u8> out(room, 0xee);
  out.resize(emit_icmpv6(message, way.source, way.destination, out));
  return out;
}

Result<IcmpMessage, Drop> parsed(Bytes message, const Way& way = {}) {
  return parse_icmpv6(message, way.source, way.destination, way.hop_limit);
}

Drop drop_of(Bytes message, const Way& way = {}) {
  const Exact exact(message);
  const auto result = parsed(exact.bytes(), way);
  return result ? Drop::count_ : result.error();
}

// The message with the checksum made good.
std::vector<u8> sealed(std::string_view hex, const Way& way = {}) {
  auto bytes = from_hex(hex);
  store_be16(&bytes[2], 0);
  Checksum sum;
  sum.add_pseudo_header(way.source, way.destination, 58, to<u32>(bytes.size())).add(bytes);
  store_be16(&bytes[2], sum.finish());
  return bytes;
}

// A discovery message of `type` about bob6, with `options` behind.
std::vector<u8> neighbour(std::string_view type, std::string_view options, const Way& way = {}) {
  return sealed(std::string(type) + "00 0000 00000000 20010db8000000000000000000000002" +
                    std::string(options),
                way);
}

TEST(Icmpv6, echoes_go_both_ways_with_their_data) {
  const auto data = from_hex("0102030405");
  for (const bool reply : {false, true}) {
    const auto bytes =
        emitted(IcmpEcho{.reply = reply, .identifier = 9, .sequence = 7, .data = data});
    EXPECT_EQ(bytes[0], reply ? 129 : 128);
    const auto message = parsed(bytes, {.hop_limit = 3});
    ASSERT_TRUE(message);
    const auto& echo = std::get<IcmpEcho>(*message);
    EXPECT_EQ(echo.reply, reply);
    EXPECT_EQ(echo.identifier, 9);
    EXPECT_TRUE(std::ranges::equal(echo.data, data));
  }
}

TEST(Icmpv6, every_problem_survives_the_wire) {
  const std::vector<u8> original(50, 0x60);
  for (u8 i = 0; i <= to<u8>(IcmpProblem::parameter_problem); ++i) {
    const auto problem = to<IcmpProblem>(i);
    const bool has_word = problem == IcmpProblem::packet_too_big ||
                          problem == IcmpProblem::parameter_problem ||
                          problem == IcmpProblem::protocol_unreachable;
    const u32 mtu = has_word ? 0x12345 : 0;
    const auto bytes = emitted(IcmpError{.problem = problem, .mtu = mtu, .original = original});
    const auto message = parsed(bytes);
    ASSERT_TRUE(message);
    const auto& error = std::get<IcmpError>(*message);
    EXPECT_EQ(error.problem, problem);
    EXPECT_EQ(error.mtu, mtu);
    EXPECT_TRUE(std::ranges::equal(error.original, original));
    EXPECT_EQ(emitted(error), bytes);
  }
}

TEST(Icmpv6, codes_are_understood_and_new_ones_mean_their_type) {
  const auto problem = [](std::string_view type_and_code) {
    const auto message = parsed(sealed(std::string(type_and_code) + "0000 00000000 60"));
    return message ? std::get<IcmpError>(*message).problem : IcmpProblem{99};
  };
  EXPECT_EQ(problem("0100"), IcmpProblem::net_unreachable);
  EXPECT_EQ(problem("0101"), IcmpProblem::prohibited);
  EXPECT_EQ(problem("0102"), IcmpProblem::host_unreachable);
  EXPECT_EQ(problem("0105"), IcmpProblem::prohibited);
  EXPECT_EQ(problem("0106"), IcmpProblem::prohibited);
  EXPECT_EQ(problem("0142"), IcmpProblem::host_unreachable);
  EXPECT_EQ(problem("0301"), IcmpProblem::time_exceeded);
  EXPECT_EQ(problem("0402"), IcmpProblem::parameter_problem);
}

TEST(Icmpv6, an_error_is_cut_to_the_room_that_there_is) {
  const std::vector<u8> original(2000, 0x60);
  EXPECT_EQ(emitted(IcmpError{.original = original}, {}, 1240).size(), 1240u);
}

TEST(Icmpv6, what_is_too_short_or_does_not_sum_up_is_refused) {
  const auto good = emitted(IcmpEcho{.identifier = 1});
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(drop_of(Bytes(good).first(size)), Drop::truncated);
  EXPECT_EQ(drop_of(good, {.destination = alice6}), Drop::bad_checksum);
}

TEST(Icmpv6, types_and_codes_of_no_use_are_refused) {
  EXPECT_EQ(drop_of(sealed("8900 0000 00000000")), Drop::bad_type) << "redirect";
  EXPECT_EQ(drop_of(sealed("8f00 0000 00000000")), Drop::bad_type) << "multicast listener report";
  EXPECT_EQ(drop_of(sealed("0500 0000 00000000")), Drop::bad_type) << "an error nobody defined";
  EXPECT_EQ(drop_of(sealed("8001 0000 00000000")), Drop::bad_type) << "echo, code 1";
  EXPECT_EQ(drop_of(sealed("8701 0000 00000000")), Drop::bad_type) << "solicitation, code 1";
}

TEST(NeighbourDiscovery, parse_and_emit_are_inverse) {
  for (u32 bits = 0; bits < 32; ++bits) {
    NeighbourMessage message{.advertisement = (bits & 1) != 0, .target = bob6};
    if ((bits & 2) != 0) message.link_layer = mac;
    if (message.advertisement) {
      message.router = (bits & 4) != 0;
      message.solicited = (bits & 8) != 0;
      message.override = (bits & 16) != 0;
    }
    const auto bytes = emitted(message);
    EXPECT_EQ(bytes.size(), message.link_layer ? 32u : 24u);
    const auto result = parsed(bytes);
    ASSERT_TRUE(result);
    EXPECT_EQ(std::get<NeighbourMessage>(*result), message);
  }
}

TEST(NeighbourDiscovery, a_solicitation_has_the_layout_of_rfc_4861_section_4_3) {
  const Way way{.destination = group};
  EXPECT_EQ(emitted(NeighbourMessage{.target = bob6, .link_layer = mac}, way),
            neighbour("87", "0101 020000000001", way));
}

TEST(NeighbourDiscovery, every_truncation_is_a_drop) {
  for (const std::string_view type : {"87", "88"}) {
    auto bytes = neighbour(type, "0101 020000000001 0201 020000000001");
    for (std::size_t size = 8; size < bytes.size(); ++size) {
      if (size == 24 || size == 32) continue;  // between options
      const std::vector<u8> part(bytes.begin(), bytes.begin() + to<i64>(size));
      std::string hex;
      for (const u8 byte : part) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
      }
      EXPECT_EQ(drop_of(sealed(hex)), Drop::truncated) << size;
    }
  }
}

TEST(NeighbourDiscovery, what_a_router_forwarded_is_refused) {
  for (const std::string_view type : {"85", "86", "87", "88"})
    EXPECT_EQ(drop_of(neighbour(type, ""), {.hop_limit = 254}), Drop::bad_hop_limit) << type;
}

TEST(NeighbourDiscovery, a_target_is_one_host_of_ipv6) {
  EXPECT_EQ(drop_of(sealed("8700 0000 00000000 ff020000000000000000000000000001")),
            Drop::bad_address);
  EXPECT_EQ(drop_of(sealed("8700 0000 00000000 00000000000000000000ffffc0000201")),
            Drop::bad_address);
}

TEST(NeighbourDiscovery, options_of_length_zero_are_refused_and_unknown_ones_skipped) {
  EXPECT_EQ(drop_of(neighbour("87", "0100 020000000001")), Drop::bad_option);
  const auto message = parsed(neighbour("87", "0e01 000000000000 0101 020000000001"));
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<NeighbourMessage>(*message).link_layer, mac);
}

TEST(NeighbourDiscovery, a_link_layer_address_of_another_size_or_side_is_not_ours_to_read) {
  for (const std::string_view options :
       {"0102 020000000001 0000000000000000", "0201 020000000001"}) {
    const auto message = parsed(neighbour("87", options));
    ASSERT_TRUE(message);
    EXPECT_FALSE(std::get<NeighbourMessage>(*message).link_layer);
  }
  EXPECT_EQ(drop_of(neighbour("87", "0101 030000000001")), Drop::bad_address) << "a group";
}

TEST(NeighbourDiscovery, duplicate_address_detection_goes_to_the_solicited_node_group) {
  const Way way{.source = any_v6, .destination = group};
  EXPECT_EQ(drop_of(neighbour("87", "", way), way), Drop::count_);
  EXPECT_EQ(drop_of(neighbour("87", "0101 020000000001", way), way), Drop::bad_option);
  const Way elsewhere{.source = any_v6, .destination = all_nodes};
  EXPECT_EQ(drop_of(neighbour("87", "", elsewhere), elsewhere), Drop::bad_address);
}

TEST(NeighbourDiscovery, nobody_solicited_what_goes_to_a_group) {
  const Way way{.destination = all_nodes};
  EXPECT_EQ(drop_of(emitted(NeighbourMessage{.advertisement = true, .target = alice6}, way), way),
            Drop::count_);
  EXPECT_EQ(
      drop_of(emitted(NeighbourMessage{.advertisement = true, .target = alice6, .solicited = true},
                      way),
              way),
      Drop::bad_address);
}

TEST(RouterDiscovery, is_recognised) {
  for (const bool advertisement : {false, true}) {
    const Way way{.source = router6, .destination = all_nodes};
    const auto message = parsed(emitted(RouterMessage{advertisement}, way), way);
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<RouterMessage>(*message).advertisement, advertisement);
  }
}

TEST(RouterDiscovery, impossible_messages_are_refused) {
  EXPECT_EQ(drop_of(sealed("8600 0000 4000 0000 00000000 00000000")), Drop::bad_address)
      << "an advertisement from afar";
  const Way way{.source = router6, .destination = all_nodes};
  EXPECT_EQ(drop_of(sealed("8600 0000 4000 0000 00000000 000000", way), way), Drop::truncated);
  EXPECT_EQ(drop_of(sealed("8500 0000 00000000 0100 020000000001")), Drop::bad_option);
  const Way nobody{.source = any_v6, .destination = all_nodes};
  EXPECT_EQ(drop_of(sealed("8500 0000 00000000 0101 020000000001", nobody), nobody),
            Drop::bad_option);
  EXPECT_EQ(drop_of(sealed("8500 0000 00000000", nobody), nobody), Drop::count_);
}

TEST(NeighbourDiscovery, the_solicited_node_group_holds_the_low_24_bits) {
  EXPECT_EQ(to_string(solicited_node(*IpAddress::parse("2001:db8::1:2345:6789"))),
            "ff02::1:ff45:6789");
}

}  // namespace
}  // namespace handfast::wire
