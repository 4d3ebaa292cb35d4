// RFC 9110 §8.4.1: content codings, unpacked as the content comes, in bounded memory.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/error.hpp"

namespace handfast::http {

/// What Accept-Encoding may promise.
inline constexpr std::string_view decoded_codings = "gzip, br, zstd";

/// Takes content of one coding apart. Its memory is bounded by the coding: 32 KiB for gzip,
/// 16 MiB for br (RFC 7932 §9.1), 8 MiB for zstd (RFC 9659 §3, refused beyond).
class ContentDecoder {
 public:
  virtual ~ContentDecoder() = default;
  ContentDecoder(const ContentDecoder&) = delete;
  ContentDecoder& operator=(const ContentDecoder&) = delete;

  /// For "gzip" (and "x-gzip"), "br" or "zstd", in any case of letters; null for all others.
  static std::unique_ptr<ContentDecoder> make(std::string_view coding);

  /// Takes packed bytes from the front of `in` and returns how many unpacked ones are in `out`.
  /// With less than all of `out` used, it needs more input. A decoder with an Error is spent.
  virtual Result<u32, Error> decode(Bytes& in, MutBytes out) = 0;
  /// What came so far is whole: the content may end here.
  virtual bool is_complete() const = 0;

 protected:
  ContentDecoder() = default;
};

}  // namespace handfast::http
