#include "cli/units.hpp"

#include <gtest/gtest.h>

#include "cli/suggest.hpp"

namespace handfast::test {
namespace {

using cli::closest;
using cli::parse_duration;
using cli::parse_percentage;
using cli::parse_size;

TEST(Units, durations_have_a_unit_except_zero) {
  EXPECT_EQ(parse_duration("20ms"), 20ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("300us"), 300us);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("0"), 0ns);
  for (const char* bad : {"", "20", "ms", "-1s", "1.s", "1.0000001s", "1 s", "99999h", "1e3s"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Units, sizes_know_powers_of_1000_and_of_1024) {
  EXPECT_EQ(parse_size("1000"), 1000u);
  EXPECT_EQ(parse_size("64k"), 64'000u);
  EXPECT_EQ(parse_size("1.5M"), 1'500'000u);
  EXPECT_EQ(parse_size("1MiB"), 1'048'576u);
  EXPECT_EQ(parse_size("0"), 0u);
  for (const char* bad : {"", "k", "1x", "-1", "99999999999999999999", "5000GiB", "0x10"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Units, percentages_are_exact_fractions) {
  EXPECT_EQ(parse_percentage("0%")->numerator, 0u);
  EXPECT_EQ(parse_percentage("100%")->numerator, parse_percentage("100%")->denominator);
  EXPECT_EQ(parse_percentage("0.1%")->numerator * 1000, parse_percentage("1%")->denominator);
  for (const char* bad : {"", "%", "5", "100.1%", "-5%", "5 %"})
    EXPECT_FALSE(parse_percentage(bad)) << bad;
}

TEST(Closest, finds_what_was_probably_meant) {
  const std::vector<std::string> words{"demo", "get", "serve", "diagram"};
  EXPECT_EQ(closest("dmeo", words), "demo");
  EXPECT_EQ(closest("servr", words), "serve");
  EXPECT_EQ(closest("digram", words), "diagram");
  EXPECT_EQ(closest("gte", words), "get");
}

TEST(Closest, does_not_guess_wildly) {
  const std::vector<std::string> words{"demo", "get", "serve", "diagram"};
  EXPECT_EQ(closest("frobnicate", words), "");
  EXPECT_EQ(closest("x", words), "");
}

}  // namespace
}  // namespace handfast::test
