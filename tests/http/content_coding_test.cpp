#include "http/content_coding.hpp"

#include <array>
#include <string>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <gtest/gtest.h>

#include "http/content_encoder.hpp"
#include "http/content_type.hpp"

namespace handfast::http {
namespace {

std::array<u32, 4> weights(std::string_view value) {
  const std::array fields{Field{"Host", "a"}, Field{"accept-encoding", value}};
  return {weight_of(Coding::identity, fields), weight_of(Coding::gzip, fields),
          weight_of(Coding::br, fields), weight_of(Coding::zstd, fields)};
}
using Weights = std::array<u32, 4>;

TEST(AcceptEncoding, weighs_what_is_named_and_what_is_not) {
  EXPECT_EQ(weights("gzip, deflate, br, zstd"), (Weights{1, 1000, 1000, 1000}));
  EXPECT_EQ(weights("br;q=1.0, gzip;q=0.8, *;q=0.1"), (Weights{1, 800, 1000, 100}));
  EXPECT_EQ(weights("GZIP ; Q=0.5"), (Weights{1, 500, 0, 0}));
  EXPECT_EQ(weights("x-gzip"), (Weights{1, 1000, 0, 0}));
  EXPECT_EQ(weights("gzip;q=0"), (Weights{1, 0, 0, 0}));
  EXPECT_EQ(weights("identity;q=0, gzip;q=0.001"), (Weights{0, 1, 0, 0}));
  EXPECT_EQ(weights("*;q=0"), (Weights{0, 0, 0, 0}));
  EXPECT_EQ(weights("*"), (Weights{1, 1000, 1000, 1000}));
  EXPECT_EQ(weights(""), (Weights{1, 0, 0, 0}));
  EXPECT_EQ(weight_of(Coding::gzip, {}), 0u);
  EXPECT_EQ(weight_of(Coding::identity, {}), 1u);
}

TEST(AcceptEncoding, takes_a_broken_weight_for_none) {
  for (const auto* value :
       {"gzip;q=2", "gzip;q=0.1234", "gzip;q=x", "gzip;q=", "gzip;q=0,5", "gzip;q=1.5"})
    EXPECT_EQ(weights(value)[1], 0u) << value;
}

std::string unpacked(Coding coding, Bytes packed, std::size_t size) {
  std::string out(size + 1, '\0');
  std::size_t made = out.size();
  if (coding == Coding::gzip) {
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = const_cast<Bytef*>(packed.data());
    stream.avail_in = to<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = to<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    made = stream.total_out;
    inflateEnd(&stream);
  } else if (coding == Coding::br) {
    EXPECT_EQ(BrotliDecoderDecompress(packed.size(), packed.data(), &made,
                                      reinterpret_cast<u8*>(out.data())),
              BROTLI_DECODER_RESULT_SUCCESS);
  } else {
    made = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
    EXPECT_FALSE(ZSTD_isError(made));
  }
  out.resize(made);
  return out;
}

TEST(ContentEncoder, makes_what_the_libraries_unpack_whatever_the_pieces) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const Coding coding : codings)
    for (const std::size_t room : {std::size_t{1}, std::size_t{100}, std::size_t{16384}}) {
      const std::string_view all = room == 1 ? std::string_view(text).substr(0, 5000) : text;
      const auto encoder = ContentEncoder::make(coding);
      std::vector<u8> packed;
      std::vector<u8> out(room);
      for (std::size_t at = 0; at < all.size();) {
        const std::string_view piece = all.substr(at, 10'000);
        at += piece.size();
        Bytes in = as_bytes(piece);
        std::size_t made = room;
        while (made == room) {
          made = encoder->encode(in, at == all.size(), out);
          packed.insert(packed.end(), out.begin(), out.begin() + to<std::ptrdiff_t>(made));
        }
        EXPECT_TRUE(in.empty());
      }
      EXPECT_LT(packed.size(), all.size() / 2);
      EXPECT_TRUE(unpacked(coding, packed, all.size()) == all) << to_string(coding) << " " << room;
    }
}

TEST(ContentType, knows_what_gets_smaller) {
  EXPECT_TRUE(is_compressible("text/html; charset=utf-8"));
  EXPECT_TRUE(is_compressible("image/svg+xml"));
  EXPECT_TRUE(is_compressible("application/json"));
  EXPECT_FALSE(is_compressible("image/png"));
  EXPECT_FALSE(is_compressible("application/octet-stream"));
  EXPECT_EQ(content_type("a.WEBMANIFEST"), "application/manifest+json");
}

}  // namespace
}  // namespace handfast::http
