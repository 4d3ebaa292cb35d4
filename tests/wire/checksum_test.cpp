#include "wire/checksum.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "packets.hpp"
#include "wire/checksum_kernels.hpp"

namespace handfast::wire {
namespace {

// RFC 1071 §1, taken literally: 16 bits at a time, the carry added at once.
u16 naive_sum(Bytes bytes) {
  u32 sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? to<u32>(bytes[i]) << 8 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return to<u16>(sum);
}

u16 folded(u64 kernel_sum) {
  while (kernel_sum >> 16 != 0) kernel_sum = (kernel_sum & 0xffff) + (kernel_sum >> 16);
  return std::endian::native == std::endian::big ? to<u16>(kernel_sum)
                                                 : swap_bytes(to<u16>(kernel_sum));
}

TEST(Checksum, of_the_example_in_rfc_1071_section_3_is_ddf2) {
  const auto bytes = from_hex("00 01 f2 03 f4 f5 f6 f7");
  EXPECT_EQ(Checksum{}.add(bytes).sum(), 0xddf2);
  EXPECT_EQ(checksum(bytes), to<u16>(~0xddf2));
}

TEST(Checksum, of_nothing_is_ffff) { EXPECT_EQ(checksum({}), 0xffff); }

TEST(Checksum, every_kernel_agrees_with_the_definition_at_every_length_and_alignment) {
  Rng rng(1);
  for (std::size_t size = 0; size <= 700; ++size) {
    const std::size_t shift = rng.below(33);
    const auto buffer = random_bytes(rng, size + shift);
    const Exact exact(Bytes(buffer).subspan(shift));
    const Bytes shifted = Bytes(buffer).subspan(shift);
    const u16 expected = naive_sum(shifted);
    for (const Bytes bytes : {exact.bytes(), shifted}) {
      EXPECT_EQ(folded(checksum_kernels::sum_portable(bytes.data(), size)), expected) << size;
      EXPECT_EQ(folded(checksum_kernels::sum(bytes.data(), size)), expected) << size;
      EXPECT_EQ(Checksum{}.add(bytes).sum(), expected) << size;
      if (!checksum_kernels::has_avx2()) continue;
      EXPECT_EQ(folded(checksum_kernels::sum_avx2(bytes.data(), size)), expected) << size;
    }
  }
}

TEST(Checksum, every_copying_kernel_sums_and_copies_and_writes_no_byte_more) {
  Rng rng(2);
  using Kernel = u64 (*)(const u8*, std::size_t, u8*);
  std::vector<Kernel> kernels{checksum_kernels::copy_portable, checksum_kernels::copy};
  if (checksum_kernels::has_avx2()) kernels.push_back(checksum_kernels::copy_avx2);
  for (std::size_t size = 0; size <= 700; ++size) {
    const auto bytes = random_bytes(rng, size);
    for (const Kernel kernel : kernels) {
      const std::size_t shift = rng.below(33);
      std::vector<u8> copy(shift + size + 1, 0xa5);
      EXPECT_EQ(folded(kernel(bytes.data(), size, copy.data() + shift)), naive_sum(bytes));
      EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), copy.data() + shift)) << size;
      EXPECT_EQ(std::count(copy.begin(), copy.begin() + to<i64>(shift), 0xa5), to<i64>(shift));
      EXPECT_EQ(copy.back(), 0xa5);
    }
  }
}

TEST(Checksum, does_not_overflow_on_64_kib_of_ones) {
  const std::vector<u8> ones(65535, 0xff);
  EXPECT_EQ(Checksum{}.add(ones).sum(), naive_sum(ones));
  Checksum many;
  for (int i = 0; i < 10000; ++i) many.add(Bytes(ones).first(65534));
  EXPECT_EQ(many.sum(), 0xffff);
}

TEST(Checksum, of_pieces_is_that_of_the_whole_wherever_it_is_cut) {
  Rng rng(3);
  for (int round = 0; round < 2000; ++round) {
    const auto whole = random_bytes(rng, rng.below(400));
    Checksum sum;
    std::vector<u8> copy(whole.size());
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t size = rng.below(std::min<std::size_t>(whole.size() - at, 90) + 1);
      const Bytes piece = Bytes(whole).subspan(at, size);
      if (rng.chance({1, 2}))
        sum.add(piece);
      else
        sum.add_copy(piece, copy.data() + at);
      at += size;
    }
    ASSERT_EQ(sum.sum(), naive_sum(whole));
  }
}

TEST(Checksum, of_numbers_is_that_of_their_bytes_in_network_order) {
  const auto bytes = from_hex("1234 00ff fe01");
  EXPECT_EQ(Checksum{}.add16(0x1234).add16(0xff).add16(0xfe01).sum(), naive_sum(bytes));
}

TEST(Checksum, of_the_pseudo_header_is_that_of_its_bytes_in_both_families) {
  const auto v4 = from_hex("c0000201 c0000202 00 06 0014");
  EXPECT_EQ(Checksum{}.add_pseudo_header(alice4, bob4, 6, 20).sum(), naive_sum(v4));
  const auto v6 = from_hex(
      "20010db8000000000000000000000001 20010db8000000000000000000000002 00012345 0000003a");
  EXPECT_EQ(Checksum{}.add_pseudo_header(alice6, bob6, 58, 0x12345).sum(), naive_sum(v6));
}

}  // namespace
}  // namespace handfast::wire
