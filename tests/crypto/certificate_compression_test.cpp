// RFC 8879: what is compressed comes out the same, and nothing else comes out.
#include "crypto/certificate_compression.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/lab.hpp"

namespace handfast::crypto {
namespace {

using testing::HasSubstr;

constexpr u32 enough = 1U << 20;

std::vector<u8> message() {
  const Identity root = make_root();
  std::vector<u8> bytes = make_server(root, "www.example.org").certificate.der();
  const std::vector<u8> more = root.certificate.der();
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

class Compression : public testing::TestWithParam<CertificateCompression> {
 protected:
  Result<std::vector<u8>, std::string> unpacked(Bytes compressed, std::size_t length) {
    return decompress(GetParam(), compressed, to<u32>(length), enough);
  }
};

TEST_P(Compression, gives_back_what_it_took_and_is_smaller) {
  const std::vector<u8> plain = message();
  const std::vector<u8> packed = compress(GetParam(), plain);
  EXPECT_LT(packed.size(), plain.size());
  const auto again = unpacked(packed, plain.size());
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(*again, plain);
}

TEST_P(Compression, takes_no_other_length) {
  const std::vector<u8> plain = message();
  const std::vector<u8> packed = compress(GetParam(), plain);
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, plain.size() - 1, plain.size() + 1, std::size_t{enough}}) {
    const auto again = unpacked(packed, length);
    ASSERT_FALSE(again) << length;
    EXPECT_THAT(again.error(), HasSubstr("does not unpack"));
  }
}

TEST_P(Compression, looks_at_the_length_before_it_takes_memory) {
  const std::vector<u8> zeros(enough);
  const std::vector<u8> bomb = compress(GetParam(), zeros);
  EXPECT_LT(bomb.size(), 4096U);
  const auto refused = decompress(GetParam(), bomb, enough, enough - 1);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("at most 1048575 are taken"));
  EXPECT_FALSE(decompress(GetParam(), bomb, 1000, enough));
  EXPECT_TRUE(decompress(GetParam(), bomb, enough, enough));
}

TEST_P(Compression, refuses_what_is_cut_or_followed_by_more) {
  const std::vector<u8> plain = message();
  std::vector<u8> packed = compress(GetParam(), plain);
  for (std::size_t size = 0; size < packed.size(); ++size)
    ASSERT_FALSE(unpacked(Bytes(packed).first(size), plain.size())) << size;
  packed.push_back(0);
  EXPECT_FALSE(unpacked(packed, plain.size()));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, Compression,
                         testing::Values(CertificateCompression::zlib,
                                         CertificateCompression::brotli,
                                         CertificateCompression::zstd),
                         [](const auto& one) { return to_string(one.param); });

TEST(UnknownCompression, is_refused_by_its_number) {
  const auto algorithm = static_cast<CertificateCompression>(4);
  EXPECT_FALSE(is_known(algorithm));
  const auto refused = decompress(algorithm, as_bytes("x"), 1, enough);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("0x0004"));
}

}  // namespace
}  // namespace handfast::crypto
