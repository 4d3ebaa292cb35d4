// RFC 1952 and RFC 7932 and RFC 8878, by their libraries.
#include "http/content_decoder.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "base/assert.hpp"
#include "http/grammar.hpp"

namespace handfast::http {
namespace {

Error broken(std::string_view why) { return {400, why, "RFC 9110 §8.4"}; }

class Gzip final : public ContentDecoder {
 public:
  Gzip() { ASSERT(inflateInit2(&stream_, 15 + 16) == Z_OK); }
  ~Gzip() override { inflateEnd(&stream_); }

  Result<u32, Error> decode(Bytes& in, MutBytes out) override {
    u32 made = 0;
    while (made < out.size()) {
      if (is_between_ && in.empty()) break;
      // RFC 1952 §2.2: "A gzip file consists of a series of members".
      if (is_between_ && !is_first_ && inflateReset(&stream_) != Z_OK) break;
      is_first_ = is_between_ = false;
      stream_.next_in = const_cast<Bytef*>(in.data());
      stream_.avail_in = to<uInt>(in.size());
      stream_.next_out = out.data() + made;
      stream_.avail_out = to<uInt>(out.size() - made);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      in = in.last(stream_.avail_in);
      made = to<u32>(out.size() - stream_.avail_out);
      is_between_ = status == Z_STREAM_END;
      if (status == Z_BUF_ERROR) break;
      if (status != Z_OK && status != Z_STREAM_END)
        return failure(broken("the content is not gzip, as it says"));
      if (status == Z_OK && in.empty()) break;
    }
    return made;
  }
  bool is_complete() const override { return is_between_; }

 private:
  z_stream stream_{};
  bool is_first_ = true;
  bool is_between_ = true;  // members
};

class Brotli final : public ContentDecoder {
 public:
  Brotli() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    ASSERT(state_ != nullptr);
  }
  ~Brotli() override { BrotliDecoderDestroyInstance(state_); }

  Result<u32, Error> decode(Bytes& in, MutBytes out) override {
    is_begun_ = is_begun_ || !in.empty();
    const u8* from = in.data();
    std::size_t left = in.size();
    u8* at = out.data();
    std::size_t room = out.size();
    const auto status = BrotliDecoderDecompressStream(state_, &left, &from, &room, &at, nullptr);
    in = in.last(left);
    if (status == BROTLI_DECODER_RESULT_ERROR)
      return failure(broken("the content is not br, as it says"));
    if (status == BROTLI_DECODER_RESULT_SUCCESS && !in.empty())
      return failure(broken("there is something behind the end of the br content"));
    return to<u32>(out.size() - room);
  }
  bool is_complete() const override {
    return !is_begun_ || BrotliDecoderIsFinished(state_) == BROTLI_TRUE;
  }

 private:
  BrotliDecoderState* state_;
  bool is_begun_ = false;
};

class Zstd final : public ContentDecoder {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    ASSERT(stream_ != nullptr);
    constexpr int window_bits_max = 23;  // RFC 9659 §3: 8 MB
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, window_bits_max);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  Result<u32, Error> decode(Bytes& in, MutBytes out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer at{out.data(), out.size(), 0};
    while (at.pos < at.size && (from.pos < from.size || holds_output_)) {
      const std::size_t status = ZSTD_decompressStream(stream_, &at, &from);
      if (ZSTD_isError(status) != 0)
        return failure(broken("the content is not zstd, as it says, or needs more than 8 MiB"));
      is_whole_ = status == 0;
      holds_output_ = status != 0 && at.pos == at.size;
      if (!holds_output_ && from.pos == from.size) break;
    }
    in = in.subspan(from.pos);
    return to<u32>(at.pos);
  }
  bool is_complete() const override { return is_whole_; }

 private:
  ZSTD_DStream* stream_;
  bool is_whole_ = true;       // a frame ended here, or none has begun
  bool holds_output_ = false;  // there may be more without input
};

}  // namespace

std::unique_ptr<ContentDecoder> ContentDecoder::make(std::string_view coding) {
  if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip"))
    return std::make_unique<Gzip>();
  if (equals_ignoring_case(coding, "br")) return std::make_unique<Brotli>();
  if (equals_ignoring_case(coding, "zstd")) return std::make_unique<Zstd>();
  return nullptr;
}

}  // namespace handfast::http
