// The libraries' own encoders make what is unpacked here.
#include "http/content_decoder.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <gtest/gtest.h>

#include "base/rng.hpp"

namespace handfast::http {
namespace {

using Buffer = std::vector<u8>;

Buffer gzip(Bytes in) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Buffer out(deflateBound(&stream, in.size()) + 64);
  stream.next_in = const_cast<Bytef*>(in.data());
  stream.avail_in = to<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = to<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}
Buffer br(Bytes in) {
  Buffer out(BrotliEncoderMaxCompressedSize(in.size()) + 64);
  std::size_t size = out.size();
  EXPECT_EQ(
      BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, in.size(), in.data(), &size, out.data()),
      BROTLI_TRUE);
  out.resize(size);
  return out;
}
Buffer zstd(Bytes in, int window_bits = 20) {
  Buffer out(ZSTD_compressBound(in.size()));
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_bits);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  out.resize(ZSTD_compress2(context, out.data(), out.size(), in.data(), in.size()));
  ZSTD_freeCCtx(context);
  return out;
}

struct Coding {
  const char* name;
  Buffer (*pack)(Bytes);
};
const std::array<Coding, 3> codings{
    {{"gzip", gzip}, {"br", br}, {"zstd", [](Bytes in) { return zstd(in); }}}};

Buffer text_of(std::size_t size) {
  Rng rng(7);
  Buffer text(size);
  for (u8& byte : text) byte = to<u8>('a' + rng.below(5));
  return text;
}

struct Unpacked {
  Buffer bytes;
  bool is_complete = false;
  std::string error;
};
/// With input in pieces of `piece` bytes and room for `room`.
Unpacked unpack(const char* coding, Bytes packed, std::size_t piece, std::size_t room) {
  Unpacked out;
  const auto decoder = ContentDecoder::make(coding);
  Buffer space(room);
  while (!packed.empty()) {
    Bytes in = packed.first(std::min(piece, packed.size()));
    packed = packed.subspan(in.size());
    u32 made = 0;
    do {
      const auto result = decoder->decode(in, space);
      if (!result) {
        out.error = result.error().why;
        return out;
      }
      made = *result;
      out.bytes.insert(out.bytes.end(), space.begin(), space.begin() + made);
    } while (made == room || !in.empty());
  }
  out.is_complete = decoder->is_complete();
  return out;
}

TEST(ContentDecoder, unpacks_every_coding_whatever_the_pieces) {
  for (const Coding& coding : codings)
    for (const std::size_t size : {0u, 1u, 1000u, 300'000u}) {
      const Buffer text = text_of(size);
      const Buffer packed = coding.pack(text);
      for (const auto& [piece, room] : std::vector<std::pair<std::size_t, std::size_t>>{
               {1, 1}, {1, 4096}, {1 << 20, 1}, {777, 333}, {1 << 20, 1 << 20}}) {
        if (size > 1000 && room == 1) continue;
        const Unpacked out = unpack(coding.name, packed, piece, room);
        EXPECT_EQ(out.error, "") << coding.name << size;
        EXPECT_TRUE(out.bytes == text) << coding.name << size << " " << piece << " " << room;
        EXPECT_TRUE(out.is_complete) << coding.name << size << " " << piece << " " << room;
      }
    }
}

TEST(ContentDecoder, tells_what_was_cut_off_from_what_is_whole) {
  for (const Coding& coding : codings) {
    Buffer packed = coding.pack(text_of(5000));
    packed.resize(packed.size() - 3);
    const Unpacked out = unpack(coding.name, packed, 100, 100);
    EXPECT_EQ(out.error, "") << coding.name;
    EXPECT_FALSE(out.is_complete) << coding.name;
    EXPECT_TRUE(ContentDecoder::make(coding.name)->is_complete()) << "nothing came";
  }
}

TEST(ContentDecoder, refuses_what_is_something_else) {
  const Buffer text = text_of(1000);
  for (const Coding& coding : codings) {
    EXPECT_NE(unpack(coding.name, text, 100, 100).error, "") << coding.name;
    Buffer packed = coding.pack(text);
    packed[packed.size() / 2] ^= 0x55;
    const Unpacked out = unpack(coding.name, packed, 100, 100);
    EXPECT_TRUE(!out.error.empty() || !out.is_complete || out.bytes != text) << coding.name;
  }
}

TEST(ContentDecoder, joins_the_members_of_a_gzip_file) {
  Buffer packed = gzip(as_bytes("hello "));
  const Buffer second = gzip(as_bytes("world"));
  packed.insert(packed.end(), second.begin(), second.end());
  for (const std::size_t piece : {1u, 1000u})
    EXPECT_EQ(as_text(unpack("x-gzip", packed, piece, 3).bytes), "hello world");
}

TEST(ContentDecoder, refuses_zstd_that_needs_a_large_window) {
  const Buffer text = text_of(20u << 20);
  EXPECT_EQ(unpack("zstd", zstd(text, 23), 1 << 20, 1 << 20).error, "");
  EXPECT_NE(unpack("zstd", zstd(text, 24), 1 << 20, 1 << 20).error, "");
}

TEST(ContentDecoder, unpacks_a_bomb_into_no_more_than_the_room) {
  const Buffer zeros(64u << 20);
  for (const Coding& coding : codings) {
    const Buffer packed = coding.pack(zeros);
    const auto decoder = ContentDecoder::make(coding.name);
    Bytes in = packed;
    Buffer room(4096);
    const auto made = decoder->decode(in, room);
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(*made, 4096u) << coding.name;
    EXPECT_FALSE(decoder->is_complete());
  }
}

TEST(ContentDecoder, knows_no_other_coding) {
  for (const char* name : {"", "identity", "deflate", "compress", "gzip, br"})
    EXPECT_EQ(ContentDecoder::make(name), nullptr);
  EXPECT_NE(ContentDecoder::make("GZip"), nullptr);
}

}  // namespace
}  // namespace handfast::http
