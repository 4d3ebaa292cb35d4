#include "http/scan.hpp"

#include <string>

#include <gtest/gtest.h>

namespace handfast::http {
namespace {

/// Each byte at each place of texts of each length that a block treats differently.
template <class Check>
void for_each_text(Check check) {
  for (std::size_t size = 1; size <= 40; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        check(text);
      }
}

template <CharClass wanted>
void expect_as_the_table_says() {
  for_each_text([](const std::string& text) {
    ASSERT_EQ(consists_of<wanted>(text), all(wanted, text)) << text;
    for (std::size_t from = 0; from <= text.size(); from += 5) {
      std::size_t length = 0;
      while (from + length < text.size() && is(wanted, text[from + length])) ++length;
      ASSERT_EQ(detail::span<wanted>(text, from), length) << text << " from " << from;
    }
  });
}

TEST(Scan, blocks_know_the_same_tokens_as_the_table) { expect_as_the_table_says<char_token>(); }
TEST(Scan, blocks_know_the_same_values_as_the_table) { expect_as_the_table_says<char_value>(); }
TEST(Scan, blocks_know_the_same_targets_as_the_table) { expect_as_the_table_says<char_target>(); }
TEST(Scan, blocks_know_the_same_hosts_as_the_table) { expect_as_the_table_says<char_host>(); }

TEST(Scan, an_empty_text_is_of_every_class) { EXPECT_TRUE(consists_of<char_token>("")); }

TEST(Scan, line_feeds_are_found_at_each_place_of_each_length) {
  for (u32 size = 1; size <= line_feeds_bytes; ++size)
    for (u32 at = 0; at < size; ++at) {
      std::string text(size, '\r');
      text[at] = '\n';
      ASSERT_EQ(line_feeds(as_bytes(text)), u64{1} << at) << size;
      text[0] = '\n';
      ASSERT_EQ(line_feeds(as_bytes(text)), (u64{1} << at) | 1) << size;
    }
}

}  // namespace
}  // namespace handfast::http
