// RFC 1952, RFC 7932 and RFC 8878, by their libraries.
#include "http/content_encoder.hpp"

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "base/assert.hpp"

namespace handfast::http {
namespace {

class Gzip final : public ContentEncoder {
 public:
  Gzip() {
    constexpr int gzip_window = 15 + 16;
    ASSERT(deflateInit2(&stream_, 5, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~Gzip() override { deflateEnd(&stream_); }

  u32 encode(Bytes& in, bool is_last, MutBytes out) override {
    stream_.next_in = const_cast<Bytef*>(in.data());
    stream_.avail_in = to<uInt>(in.size());
    stream_.next_out = out.data();
    stream_.avail_out = to<uInt>(out.size());
    const int status = deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH);
    ASSERT(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR);
    in = in.last(stream_.avail_in);
    return to<u32>(out.size() - stream_.avail_out);
  }

 private:
  z_stream stream_{};
};

class Brotli final : public ContentEncoder {
 public:
  Brotli() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    ASSERT(state_ != nullptr);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, 4);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, 18);
  }
  ~Brotli() override { BrotliEncoderDestroyInstance(state_); }

  u32 encode(Bytes& in, bool is_last, MutBytes out) override {
    const u8* from = in.data();
    std::size_t left = in.size();
    u8* at = out.data();
    std::size_t room = out.size();
    const auto operation = is_last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;
    // It may stop with room left before it has taken all: asked again, it goes on.
    do {
      ASSERT(BrotliEncoderCompressStream(state_, operation, &left, &from, &room, &at, nullptr));
    } while (room > 0 && (left > 0 || BrotliEncoderHasMoreOutput(state_)));
    in = in.last(left);
    return to<u32>(out.size() - room);
  }

 private:
  BrotliEncoderState* state_;
};

class Zstd final : public ContentEncoder {
 public:
  Zstd() : context_(ZSTD_createCCtx()) {
    ASSERT(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, 19);
  }
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  u32 encode(Bytes& in, bool is_last, MutBytes out) override {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to_buffer{out.data(), out.size(), 0};
    std::size_t left = 0;
    // Asked again behind its end, it would begin another frame.
    if (is_done_) return 0;
    do {
      left =
          ZSTD_compressStream2(context_, &to_buffer, &from, is_last ? ZSTD_e_end : ZSTD_e_continue);
      ASSERT(!ZSTD_isError(left));
    } while (to_buffer.pos < to_buffer.size && (from.pos < from.size || (is_last && left > 0)));
    in = in.subspan(from.pos);
    is_done_ = is_last && left == 0;
    return to<u32>(to_buffer.pos);
  }

 private:
  ZSTD_CCtx* context_;
  bool is_done_ = false;
};

}  // namespace

std::unique_ptr<ContentEncoder> ContentEncoder::make(Coding coding) {
  ASSERT(coding != Coding::identity);
  if (coding == Coding::gzip) return std::make_unique<Gzip>();
  if (coding == Coding::br) return std::make_unique<Brotli>();
  return std::make_unique<Zstd>();
}

}  // namespace handfast::http
