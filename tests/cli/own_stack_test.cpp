#include "cli/own_stack.hpp"

#include <gtest/gtest.h>

#include "cli/command.hpp"

namespace handfast::cli {
namespace {

TEST(InterfaceAddress, gives_the_kernel_the_first_other_address_of_the_prefix) {
  const auto parsed = parse_interface_address("192.0.2.2/24");
  EXPECT_EQ(parsed.prefix_length, 24);
  EXPECT_EQ(wire::to_string(*parsed.kernel), "192.0.2.1");
  EXPECT_EQ(wire::to_string(*parse_interface_address("2001:db8::1/64").kernel), "2001:db8::2");
  EXPECT_EQ(wire::to_string(*parse_interface_address("192.0.2.6/31").kernel), "192.0.2.7");
}

TEST(InterfaceAddress, that_no_host_can_have_is_refused) {
  for (const auto* text :
       {"", "192.0.2.2", "192.0.2.2/", "192.0.2.2/x", "192.0.2.2/0", "/24", "192.0.2.2/33",
        "192.0.2.2/32", "192.0.2.0/24", "192.0.2.255/24", "127.0.0.1/8", "224.0.0.1/4", "0.0.0.0/8",
        "2001:db8::/64", "::1/64", "2001:db8::2/129", "192.0.2.2/24 ", "255.255.255.255/8"})
    EXPECT_THROW(parse_interface_address(text), Failure) << text;
}

TEST(ImpairmentList, sets_what_it_names_and_nothing_else) {
  const auto harm = parse_impairment(
      "loss=2%,duplicate=1%,reorder=3%,corrupt=0.5%,delay=20ms,jitter=1ms,rate=10M,queue=64k");
  const auto is = [](Ratio ratio, u64 part, u64 of) {
    return u64{ratio.numerator} * of == part * ratio.denominator;
  };
  EXPECT_TRUE(is(harm.loss, 2, 100));
  EXPECT_TRUE(is(harm.duplicate, 1, 100));
  EXPECT_TRUE(is(harm.reorder, 3, 100));
  EXPECT_TRUE(is(harm.corrupt, 5, 1000));
  EXPECT_EQ(harm.delay, 20ms);
  EXPECT_EQ(harm.jitter, 1ms);
  EXPECT_EQ(harm.rate, 10'000'000u);
  EXPECT_EQ(harm.queue_bytes, 64'000u);
  const auto delay_only = parse_impairment("delay=1s");
  EXPECT_EQ(delay_only.loss.numerator, 0u);
  EXPECT_EQ(delay_only.delay, 1s);
}

TEST(ImpairmentList, that_makes_no_sense_is_refused) {
  for (const auto* text : {"loss", "loss=", "loss=2", "loss=101%", "delay=5", "rate=0", "queue=x",
                           "x=1%", "=1%", "loss=1%,,delay=1ms", "loss=1%;delay=1ms"})
    EXPECT_THROW(parse_impairment(text), Failure) << text;
}

}  // namespace
}  // namespace handfast::cli
