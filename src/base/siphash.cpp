#include "base/siphash.hpp"

#include <bit>
#include <cstring>

namespace handfast {
inline namespace base {
namespace {

/// Words of the message are little-endian by definition (§2.2), whatever the machine is.
u64 load_le64(const u8* at) {
  u64 value = 0;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

struct State {
  u64 v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void compress(u64 word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

// The constants spell "somepseudorandomlygeneratedbytes" (§2.1).
State begin(const SipKey& key) {
  return {key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261,
          key.k1 ^ 0x7465646279746573};
}

}  // namespace

u64 siphash(const SipKey& key, Bytes message) {
  State s = begin(key);
  const std::size_t whole = message.size() & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) s.compress(load_le64(message.data() + at));

  // The last word holds the bytes left over and, in its top byte, the length modulo 256.
  u64 last = to<u64>(message.size()) << 56;
  if (const std::size_t left = message.size() - whole; left > 0) {
    // The message's last eight bytes hold them too, where it has as many.
    if (message.size() >= 8) {
      last |= load_le64(message.data() + message.size() - 8) >> (8 * (8 - left));
    } else {
      for (std::size_t i = 0; i < left; ++i) last |= u64{message[whole + i]} << (8 * i);
    }
  }
  s.compress(last);
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace base
}  // namespace handfast
