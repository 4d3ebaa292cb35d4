#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace handfast {
namespace {

TEST(Printable, lets_nothing_reach_a_terminal_that_it_would_obey) {
  EXPECT_EQ(printable("plain ~text~"), "plain ~text~");
  EXPECT_EQ(printable("\x1b[2J\r\n\x7f\xff"), R"(\x1b[2J\x0d\x0a\x7f\xff)");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), R"(\x00x)");
}

}  // namespace
}  // namespace handfast
