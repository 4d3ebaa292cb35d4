#include "crypto/certificate_compression.hpp"

#include <memory>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <fmt/format.h>

#include "base/assert.hpp"

namespace handfast::crypto {
namespace {

constexpr int zlib_level = 9;
constexpr int zstd_level = 19;
constexpr int brotli_window_bits = 18;

bool inflate_exactly(Bytes in, MutBytes out) {
  uLongf out_size = out.size();
  uLong in_size = in.size();
  return uncompress2(out.data(), &out_size, in.data(), &in_size) == Z_OK && in_size == in.size() &&
         out_size == out.size();
}

struct FreeBrotli {
  void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
};

bool unbrotli_exactly(Bytes in, MutBytes out) {
  const std::unique_ptr<BrotliDecoderState, FreeBrotli> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
  ASSERT(state != nullptr);
  std::size_t in_left = in.size();
  std::size_t out_left = out.size();
  const u8* from = in.data();
  u8* at = out.data();
  return BrotliDecoderDecompressStream(state.get(), &in_left, &from, &out_left, &at, nullptr) ==
             BROTLI_DECODER_RESULT_SUCCESS &&
         in_left == 0 && out_left == 0;
}

bool unzstd_exactly(Bytes in, MutBytes out) {
  return ZSTD_decompress(out.data(), out.size(), in.data(), in.size()) == out.size();
}

}  // namespace

bool is_known(CertificateCompression algorithm) {
  return algorithm == CertificateCompression::zlib || algorithm == CertificateCompression::brotli ||
         algorithm == CertificateCompression::zstd;
}

std::string to_string(CertificateCompression algorithm) {
  switch (algorithm) {
    case CertificateCompression::zlib: return "zlib";
    case CertificateCompression::brotli: return "brotli";
    case CertificateCompression::zstd: return "zstd";
  }
  return fmt::format("{:#06x}", to<u16>(algorithm));
}

std::vector<u8> compress(CertificateCompression algorithm, Bytes message) {
  ASSERT(is_known(algorithm));
  std::vector<u8> out;
  if (algorithm == CertificateCompression::zlib) {
    uLongf size = compressBound(message.size());
    out.resize(size);
    ASSERT(compress2(out.data(), &size, message.data(), message.size(), zlib_level) == Z_OK);
    out.resize(size);
  } else if (algorithm == CertificateCompression::brotli) {
    std::size_t size = BrotliEncoderMaxCompressedSize(message.size());
    out.resize(size);
    ASSERT(BrotliEncoderCompress(BROTLI_MAX_QUALITY, brotli_window_bits, BROTLI_MODE_GENERIC,
                                 message.size(), message.data(), &size, out.data()) == BROTLI_TRUE);
    out.resize(size);
  } else {
    out.resize(ZSTD_compressBound(message.size()));
    const std::size_t size =
        ZSTD_compress(out.data(), out.size(), message.data(), message.size(), zstd_level);
    ASSERT(ZSTD_isError(size) == 0);
    out.resize(size);
  }
  return out;
}

Result<std::vector<u8>, std::string> decompress(CertificateCompression algorithm, Bytes compressed,
                                                u32 length, u32 length_max) {
  if (!is_known(algorithm))
    return failure("certificates compressed by " + to_string(algorithm) + ", which is not known");
  if (length > length_max)
    return failure(fmt::format("certificates of {} bytes when unpacked; at most {} are taken",
                               length, length_max));
  std::vector<u8> out(length);
  const auto unpack = [&] {
    switch (algorithm) {
      case CertificateCompression::zlib: return inflate_exactly(compressed, out);
      case CertificateCompression::brotli: return unbrotli_exactly(compressed, out);
      case CertificateCompression::zstd: return unzstd_exactly(compressed, out);
    }
    return false;
  };
  if (length == 0 || compressed.empty() || !unpack())
    return failure(fmt::format("{} does not unpack these certificates to {} bytes",
                               to_string(algorithm), length));
  return out;
}

}  // namespace handfast::crypto
