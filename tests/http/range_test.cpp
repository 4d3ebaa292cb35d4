#include "http/range.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace handfast::http {
namespace {

using Ranges = std::vector<ByteRange>;

std::optional<Ranges> ranges_of(std::string_view value, u64 length,
                                std::string_view method = "GET") {
  const std::array fields{Field{"Range", value}};
  return requested_ranges({method, "/", 1, fields}, length);
}

TEST(Range, is_first_to_last_or_to_the_end_or_from_the_end) {
  EXPECT_EQ(ranges_of("bytes=0-0", 10), (Ranges{{0, 1}}));
  EXPECT_EQ(ranges_of("bytes=2-5", 10), (Ranges{{2, 4}}));
  EXPECT_EQ(ranges_of("BYTES=2-", 10), (Ranges{{2, 8}}));
  EXPECT_EQ(ranges_of("bytes=-3", 10), (Ranges{{7, 3}}));
}

TEST(Range, ends_where_the_representation_ends) {
  EXPECT_EQ(ranges_of("bytes=2-99999999999999999999999", 10), (Ranges{{2, 8}}));
  EXPECT_EQ(ranges_of("bytes=-11", 10), (Ranges{{0, 10}}));
}

TEST(Range, that_no_byte_is_in_is_unsatisfiable) {
  EXPECT_EQ(ranges_of("bytes=10-", 10), Ranges{});
  EXPECT_EQ(ranges_of("bytes=99999999999999999999-", 10), Ranges{});
  EXPECT_EQ(ranges_of("bytes=-0", 10), Ranges{});
  EXPECT_EQ(ranges_of("bytes=0-", 0), Ranges{});
  EXPECT_EQ(ranges_of("bytes=20-30, 3-4", 10), (Ranges{{3, 2}})) << "one that can be had is had";
  EXPECT_EQ(unsatisfied_range(10), "bytes */10");
}

TEST(Range, list_keeps_its_order) {
  EXPECT_EQ(ranges_of("bytes=-1, 0-1 ,,4-4", 10), (Ranges{{9, 1}, {0, 2}, {4, 1}}));
}

TEST(Range, is_ignored_where_it_is_malformed_of_another_unit_or_not_of_get) {
  for (const auto* value :
       {"bytes", "bytes=", "bytes=,", "bytes=-", "bytes=5", "bytes=5-2", "bytes=a-b", "bytes=1-2x",
        "bytes= 1 -2", "bytes=+1-2", "lines=1-2", "bytes=0-1,x", "bytes=--1"})
    EXPECT_FALSE(ranges_of(value, 10)) << value;
  EXPECT_FALSE(ranges_of("bytes=0-1", 10, "HEAD"));
  EXPECT_FALSE(requested_ranges({"GET", "/", 1, {}}, 10));
  const std::array two{Field{"Range", "bytes=0-1"}, Field{"range", "bytes=2-3"}};
  EXPECT_FALSE(requested_ranges({"GET", "/", 1, two}, 10));
}

TEST(Range, is_ignored_where_it_asks_for_more_than_there_is) {
  EXPECT_FALSE(ranges_of("bytes=0-,0-", 10));
  std::string many = "bytes=0-0";
  for (u32 i = 1; i < ranges_max; ++i) many += ",1-1";
  EXPECT_EQ(ranges_of(many, 100)->size(), ranges_max);
  EXPECT_FALSE(ranges_of(many + ",1-1", 100));
}

TEST(Multipart, is_each_part_with_its_place_and_an_end) {
  const std::string_view content = "0123456789";
  const Multipart all = make_multipart({{0, 2}, {9, 1}}, 10, "text/plain", "b");
  std::string text;
  for (const Part& part : all.parts)
    text += part.head + std::string(content.substr(part.range.first, part.range.length));
  text += all.tail;
  EXPECT_EQ(text,
            "--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
            "--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-9/10\r\n\r\n9\r\n"
            "--b--\r\n");
  EXPECT_EQ(all.length, text.size());
}

TEST(ContentRange, tells_which_bytes_of_how_many) {
  const auto all = parse_content_range("bytes 2-5/10");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->range, (ByteRange{2, 4}));
  EXPECT_EQ(all->length, 10u);
  EXPECT_EQ(parse_content_range("Bytes 0-0/*")->length, std::nullopt);
  EXPECT_EQ(parse_content_range("bytes */10")->range.length, 0u);
  for (const char* text : {"", "bytes", "bytes 5-2/10", "bytes 2-5", "bytes 2-10/10", "bytes */*",
                           "bytes 2-5/10x", "octets 2-5/10", "bytes -5/10", "bytes 2-/10"})
    EXPECT_FALSE(parse_content_range(text)) << text;
}

}  // namespace
}  // namespace handfast::http
