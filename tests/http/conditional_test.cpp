#include "http/conditional.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

constexpr std::string_view then = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr Validators ours{"\"a,b\"", 784111777};
constexpr Validators weak{"W/\"a\"", 784111777};
constexpr auto holds = Precondition::holds;
constexpr auto not_modified = Precondition::not_modified;
constexpr auto fails = Precondition::fails;

Precondition check(std::vector<Field> fields, std::string_view method = "GET",
                   const Validators& validators = ours) {
  return check_preconditions({method, "/", 1, fields}, validators);
}

TEST(Precondition, if_none_match_compares_weakly_and_saves_only_reading) {
  EXPECT_EQ(check({}), holds);
  for (const auto* value : {"\"a,b\"", "W/\"a,b\"", "\"x\", W/\"y\" , \"a,b\"", "*", ",\"a,b\""}) {
    EXPECT_EQ(check({{"If-None-Match", value}}), not_modified) << value;
    EXPECT_EQ(check({{"If-None-Match", value}}, "HEAD"), not_modified) << value;
    EXPECT_EQ(check({{"If-None-Match", value}}, "PUT"), fails) << value;
  }
  for (const auto* value : {"\"a\"", "\"b\"", "a,b", "\"a,b", "\"\"", "", "w/\"a,b\""})
    EXPECT_EQ(check({{"If-None-Match", value}}), holds) << value;
  EXPECT_EQ(check({{"If-None-Match", "\"x\""}, {"if-none-match", "\"a,b\""}}), not_modified);
}

TEST(Precondition, if_match_compares_strongly) {
  EXPECT_EQ(check({{"If-Match", "\"x\", \"a,b\""}}), holds);
  EXPECT_EQ(check({{"If-Match", "*"}}), holds);
  EXPECT_EQ(check({{"If-Match", "\"x\""}}), fails);
  EXPECT_EQ(check({{"If-Match", "W/\"a,b\""}}), fails);
  EXPECT_EQ(check({{"If-Match", "W/\"a\""}}, "GET", weak), fails);
}

TEST(Precondition, dates_are_compared_to_the_second) {
  EXPECT_EQ(check({{"If-Modified-Since", then}}), not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", before}}), holds);
  EXPECT_EQ(check({{"If-Modified-Since", then}}, "POST"), holds);
  EXPECT_EQ(check({{"If-Modified-Since", "yesterday"}}), holds);
  EXPECT_EQ(check({{"If-Unmodified-Since", then}}), holds);
  EXPECT_EQ(check({{"If-Unmodified-Since", before}}), fails);
  EXPECT_EQ(check({{"If-Modified-Since", then}}, "GET", {"\"a\"", -1}), holds);
}

TEST(Precondition, tags_come_before_dates) {
  EXPECT_EQ(check({{"If-None-Match", "\"x\""}, {"If-Modified-Since", then}}), holds);
  EXPECT_EQ(check({{"If-Match", "\"a,b\""}, {"If-Unmodified-Since", before}}), holds);
  EXPECT_EQ(check({{"If-Match", "\"x\""}, {"If-None-Match", "\"a,b\""}}), fails);
  EXPECT_EQ(check({{"If-Match", "\"a,b\""}, {"If-None-Match", "\"a,b\""}}), not_modified);
}

TEST(IfRange, holds_for_the_same_strong_tag_only) {
  const auto range = [](std::vector<Field> fields, const Validators& validators = ours) {
    return if_range_holds({"GET", "/", 1, fields}, validators);
  };
  EXPECT_TRUE(range({}));
  EXPECT_TRUE(range({{"If-Range", "\"a,b\""}}));
  EXPECT_FALSE(range({{"If-Range", "\"x\""}}));
  EXPECT_FALSE(range({{"If-Range", "W/\"a\""}}, weak));
  EXPECT_FALSE(range({{"If-Range", then}})) << "a second is too coarse";
  EXPECT_FALSE(range({{"If-Range", "\"a,b\""}, {"If-Range", "\"a,b\""}}));
}

}  // namespace
}  // namespace handfast::http
