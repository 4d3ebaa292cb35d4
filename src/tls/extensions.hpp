// RFC 8446 §4.2: the list of extensions that ends many messages.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "base/types.hpp"
#include "tls/codes.hpp"
#include "tls/hello.hpp"
#include "tls/reader.hpp"

namespace handfast::tls {

/// Reads one extension after the other, and refuses one that is there twice.
class ExtensionReader {
 public:
  /// The list with its length is all that is left of `message`.
  explicit ExtensionReader(Reader& message) : left_(message.vector16()) {
    if (!message.done()) left_.fail();
  }

  struct Extension {
    ExtensionType type{};
    Bytes content;
  };
  /// The next one; none at the end or where the list is broken: see good().
  std::optional<Extension> next() {
    if (left_.empty()) return std::nullopt;
    const auto type = static_cast<ExtensionType>(left_.number16());
    const Bytes content = left_.vector16();
    const auto seen_end = seen_.begin() + count_;
    duplicate_ = duplicate_ || std::find(seen_.begin(), seen_end, type) != seen_end;
    if (!left_.ok() || duplicate_ || count_ == extensions_max) {
      left_.fail();
      return std::nullopt;
    }
    seen_[count_++] = type;
    return Extension{type, content};
  }

  bool good() const { return left_.ok(); }
  bool has_duplicate() const { return duplicate_; }

 private:
  Reader left_;
  std::array<ExtensionType, extensions_max> seen_{};
  u32 count_ = 0;
  bool duplicate_ = false;
};

}  // namespace handfast::tls
