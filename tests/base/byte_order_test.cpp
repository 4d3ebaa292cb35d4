#include "base/byte_order.hpp"

#include <array>

#include <gtest/gtest.h>

namespace handfast {
namespace {

TEST(ByteOrder, loads_are_big_endian_at_any_alignment) {
  const std::array<u8, 9> bytes = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
  EXPECT_EQ(load_be16(bytes.data() + 1), 0x0102);
  EXPECT_EQ(load_be32(bytes.data() + 1), 0x01020304u);
  EXPECT_EQ(load_be<u64>(bytes.data() + 1), 0x0102030405060708u);
}

TEST(ByteOrder, a_store_is_read_back_and_touches_nothing_else) {
  std::array<u8, 6> bytes{};
  store_be32(bytes.data() + 1, 0xdeadbeef);
  EXPECT_EQ(bytes, (std::array<u8, 6>{0, 0xde, 0xad, 0xbe, 0xef, 0}));
  EXPECT_EQ(load_be32(bytes.data() + 1), 0xdeadbeefu);
  store_be16(bytes.data(), 0x0a0b);
  EXPECT_EQ(load_be16(bytes.data()), 0x0a0b);
}

}  // namespace
}  // namespace handfast
