#include <algorithm>

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> emitted(const IcmpMessage& message, std::size_t room = 1500) {
  std::vector<u8> out(room, 0xee);
  out.resize(emit_icmpv4(message, out));
  return out;
}

std::vector<u8> sealed(std::string_view hex) {
  auto bytes = from_hex(hex);
  store_be16(&bytes[2], 0);
  store_be16(&bytes[2], checksum(bytes));
  return bytes;
}

Drop drop_of(Bytes message) {
  const Exact exact(message);
  const auto parsed = parse_icmpv4(exact.bytes());
  return parsed ? Drop::count_ : parsed.error();
}

IcmpProblem problem_of(u8 type, u8 code) {
  auto bytes = from_hex("0000 0000 00000000 45");
  bytes[0] = type;
  bytes[1] = code;
  store_be16(&bytes[2], checksum(bytes));
  const auto parsed = parse_icmpv4(bytes);
  EXPECT_TRUE(parsed) << int{type} << "/" << int{code};
  const auto* error = parsed ? std::get_if<IcmpError>(&*parsed) : nullptr;
  EXPECT_NE(error, nullptr);
  return error != nullptr ? error->problem : IcmpProblem{99};
}

TEST(Icmpv4, echoes_go_both_ways_with_their_data) {
  const auto data = from_hex("0102030405");
  for (const bool reply : {false, true}) {
    const auto bytes =
        emitted(IcmpEcho{.reply = reply, .identifier = 0x1234, .sequence = 7, .data = data});
    EXPECT_EQ(bytes[0], reply ? 0 : 8);
    EXPECT_EQ(bytes.size(), 13u);
    const auto parsed = parse_icmpv4(bytes);
    ASSERT_TRUE(parsed);
    const auto& echo = std::get<IcmpEcho>(*parsed);
    EXPECT_EQ(echo.reply, reply);
    EXPECT_EQ(echo.identifier, 0x1234);
    EXPECT_EQ(echo.sequence, 7);
    EXPECT_TRUE(std::ranges::equal(echo.data, data));
  }
}

TEST(Icmpv4, every_problem_survives_the_wire) {
  const auto original =
      from_hex("4500 001c 0000 0000 4011 0000 c0000201 c0000202 0001000200080000");
  for (u8 i = 0; i <= to<u8>(IcmpProblem::parameter_problem); ++i) {
    const auto problem = to<IcmpProblem>(i);
    const u32 mtu = problem == IcmpProblem::packet_too_big      ? 1280
                    : problem == IcmpProblem::parameter_problem ? 20
                                                                : 0;
    const auto bytes = emitted(IcmpError{.problem = problem, .mtu = mtu, .original = original});
    const auto parsed = parse_icmpv4(bytes);
    ASSERT_TRUE(parsed);
    const auto& error = std::get<IcmpError>(*parsed);
    EXPECT_EQ(error.problem, problem);
    EXPECT_EQ(error.mtu, mtu);
    EXPECT_TRUE(std::ranges::equal(error.original, original));
    EXPECT_EQ(emitted(error), bytes);
  }
}

TEST(Icmpv4, all_codes_of_rfc_1812_are_understood) {
  EXPECT_EQ(problem_of(3, 5), IcmpProblem::host_unreachable);
  EXPECT_EQ(problem_of(3, 6), IcmpProblem::net_unreachable);
  EXPECT_EQ(problem_of(3, 9), IcmpProblem::prohibited);
  EXPECT_EQ(problem_of(3, 12), IcmpProblem::host_unreachable);
  EXPECT_EQ(problem_of(3, 15), IcmpProblem::prohibited);
  EXPECT_EQ(problem_of(11, 1), IcmpProblem::time_exceeded);
  EXPECT_EQ(problem_of(12, 2), IcmpProblem::parameter_problem);
}

TEST(Icmpv4, a_code_that_means_the_problem_goes_out_and_another_does_not) {
  EXPECT_EQ(emitted(IcmpError{.problem = IcmpProblem::time_exceeded, .type = 11, .code = 1})[1], 1);
  const auto wrong =
      emitted(IcmpError{.problem = IcmpProblem::port_unreachable, .type = 11, .code = 1});
  EXPECT_EQ(wrong[0], 3);
  EXPECT_EQ(wrong[1], 3);
}

TEST(Icmpv4, an_error_is_cut_to_the_room_that_there_is) {
  const std::vector<u8> original(600, 0x45);
  EXPECT_EQ(emitted(IcmpError{.original = original}, 576).size(), 576u);
  EXPECT_EQ(emitted(IcmpError{.original = original}, 1500).size(), 608u);
}

TEST(Icmpv4, what_is_too_short_or_does_not_sum_up_is_refused) {
  const auto good = emitted(IcmpEcho{.identifier = 1});
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(drop_of(Bytes(good).first(size)), Drop::truncated);
  auto bad = good;
  bad[7] ^= 1;
  EXPECT_EQ(drop_of(bad), Drop::bad_checksum);
}

TEST(Icmpv4, types_and_codes_of_no_use_are_refused) {
  EXPECT_EQ(drop_of(sealed("0500 0000 c0000201 45")), Drop::bad_type) << "redirect";
  EXPECT_EQ(drop_of(sealed("0400 0000 00000000 45")), Drop::bad_type) << "source quench";
  EXPECT_EQ(drop_of(sealed("0310 0000 00000000 45")), Drop::bad_type) << "unreachable, code 16";
  EXPECT_EQ(drop_of(sealed("0b02 0000 00000000 45")), Drop::bad_type) << "time exceeded, code 2";
  EXPECT_EQ(drop_of(sealed("0c03 0000 00000000 45")), Drop::bad_type) << "parameter, code 3";
  EXPECT_EQ(drop_of(sealed("0801 0000 00000000")), Drop::bad_type) << "echo, code 1";
}

TEST(IcmpProblem, all_have_names_of_their_own) {
  std::vector<std::string_view> names;
  for (u8 i = 0; i <= to<u8>(IcmpProblem::parameter_problem); ++i)
    names.push_back(to_string(to<IcmpProblem>(i)));
  names.push_back(to_string(IcmpProblem{99}));
  EXPECT_EQ(names.back(), "unknown problem");
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace handfast::wire
