// RFC 9110 §8.4.1: content codings, applied as the content comes, in bounded memory.
#pragma once

#include <memory>

#include "base/types.hpp"
#include "http/content_coding.hpp"

namespace handfast::http {

/// Packs content. Its memory is bounded: about 270 KiB for gzip, and 2 MiB each for br and zstd,
/// whose levels are chosen for answers that are packed while they are sent.
class ContentEncoder {
 public:
  virtual ~ContentEncoder() = default;
  ContentEncoder(const ContentEncoder&) = delete;
  ContentEncoder& operator=(const ContentEncoder&) = delete;

  /// Not for identity.
  static std::unique_ptr<ContentEncoder> make(Coding coding);

  /// Takes bytes from the front of `in` and returns how many packed ones are in `out`. With less
  /// than all of `out` used, all of `in` was taken. `is_last`: nothing follows `in`; then it is
  /// called until it leaves some of `out` unused.
  virtual u32 encode(Bytes& in, bool is_last, MutBytes out) = 0;

 protected:
  ContentEncoder() = default;
};

}  // namespace handfast::http
