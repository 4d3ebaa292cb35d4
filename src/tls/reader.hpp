// RFC 8446 §3: the presentation language, read strictly. After the first thing that does not fit
// all reads give nothing, so a parser reads to its end and asks once.
#pragma once

#include "base/byte_order.hpp"
#include "base/types.hpp"

namespace handfast::tls {

class Reader {
 public:
  explicit Reader(Bytes bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return left_.empty(); }
  /// Bytes that are left.
  std::size_t size() const { return left_.size(); }
  /// All was as it must be, and nothing is left.
  bool done() const { return ok_ && left_.empty(); }
  void fail() {
    ok_ = false;
    left_ = {};
  }

  Bytes take(std::size_t n) {
    if (n > left_.size()) {
      fail();
      return {};
    }
    const Bytes taken = left_.first(n);
    left_ = left_.subspan(n);
    return taken;
  }
  Bytes rest() { return take(left_.size()); }
  u8 number8() { return to<u8>(number(1)); }
  u16 number16() { return to<u16>(number(2)); }
  u32 number24() { return number(3); }
  u32 number32() { return number(4); }

  /// `opaque v<min..max>`: a length in 1, 2 or 3 bytes, and as many bytes as it says.
  Bytes vector8(u32 min = 0) { return vector(1, min); }
  Bytes vector16(u32 min = 0) { return vector(2, min); }
  Bytes vector24(u32 min = 0) { return vector(3, min); }
  /// A list of 16-bit numbers, of at least one, behind its length.
  Bytes numbers16(u32 length_size = 2) {
    const Bytes list = vector(length_size, 2);
    if (list.size() % 2 != 0) fail();
    return list;
  }

 private:
  u32 number(u32 size) {
    u32 value = 0;
    for (const u8 byte : take(size)) value = value << 8 | byte;
    return value;
  }
  Bytes vector(u32 length_size, u32 min) {
    const u32 length = number(length_size);
    if (length < min) fail();
    return take(ok_ ? length : 0);
  }

  Bytes left_;
  bool ok_ = true;
};

/// A list of 16-bit code points as it came.
template <class Code>
class CodeList {
 public:
  CodeList() = default;
  explicit CodeList(Bytes raw) : raw_(raw) {}

  u32 size() const { return to<u32>(raw_.size() / 2); }
  bool empty() const { return raw_.empty(); }
  Code operator[](u32 i) const {
    return static_cast<Code>(load_be16(raw_.data() + std::size_t{2} * i));
  }
  bool contains(Code code) const {
    for (u32 i = 0; i < size(); ++i)
      if ((*this)[i] == code) return true;
    return false;
  }
  Bytes raw() const { return raw_; }

 private:
  Bytes raw_;
};

}  // namespace handfast::tls
