// What the tests of this room share: bytes from hex, buffers without a byte of slack, addresses.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::wire {

inline const IpAddress alice4 = IpAddress::v4(192, 0, 2, 1);
inline const IpAddress bob4 = IpAddress::v4(192, 0, 2, 2);
inline const IpAddress alice6 = *IpAddress::parse("2001:db8::1");
inline const IpAddress bob6 = *IpAddress::parse("2001:db8::2");

/// "45 00 0028": digits in pairs, spaces anywhere between pairs.
inline std::vector<u8> from_hex(std::string_view text) {
  std::vector<u8> bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
      continue;
    }
    bytes.push_back(to<u8>(high * 16 + digit));
    high = -1;
  }
  return bytes;
}

/// A copy on the heap of exactly its size, so that AddressSanitizer sees every read beyond it.
class Exact {
 public:
  explicit Exact(Bytes bytes) : size_(bytes.size()), data_(new u8[bytes.size()]) {
    for (std::size_t i = 0; i < size_; ++i) data_[i] = bytes[i];
  }
  Bytes bytes() const { return {data_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<u8[]> data_;
};

inline std::vector<u8> random_bytes(Rng& rng, std::size_t size) {
  std::vector<u8> bytes(size);
  for (u8& byte : bytes) byte = to<u8>(rng.next());
  return bytes;
}

}  // namespace handfast::wire
