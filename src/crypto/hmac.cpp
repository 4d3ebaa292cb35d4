#include "crypto/hmac.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "crypto/wipe.hpp"

namespace handfast::crypto {

void Hmac::make(Bytes key, std::initializer_list<Bytes> pieces, MutBytes out) const {
  ASSERT(out.size() >= size());
  const u32 block = block_size(algorithm_);
  std::array<u8, block_size_max> padded{};
  if (key.size() > block) {
    const Digest shorter = hash(algorithm_, key);
    std::ranges::copy(shorter.bytes(), padded.begin());
  } else {
    std::ranges::copy(key, padded.begin());
  }
  const MutBytes pad = MutBytes(padded).first(block);
  Hash hash(algorithm_);
  for (u8& byte : pad) byte ^= 0x36;
  hash.update(pad);
  for (const Bytes piece : pieces) hash.update(piece);
  Digest inner = hash.finish();
  for (u8& byte : pad) byte ^= 0x36 ^ 0x5c;
  hash.update(pad);
  hash.update(inner);
  Digest code = hash.finish();
  std::ranges::copy(code.bytes(), out.begin());
  wipe(padded);
  wipe(inner.storage);
  wipe(code.storage);
  hash.wipe();
}

Secret Hmac::extract(Bytes salt, Bytes input_key) const {
  Secret key(size());
  make(salt, {input_key}, key.room());
  return key;
}

void Hmac::expand(Bytes pseudorandom_key, Bytes info, MutBytes out) const {
  ASSERT(out.size() <= std::size_t{255} * size());
  Secret block;
  for (u8 counter = 1; !out.empty(); ++counter) {
    const Secret before = std::move(block);
    block = Secret(size());
    make(pseudorandom_key, {before.bytes(), info, {&counter, 1}}, block.room());
    const std::size_t n = std::min<std::size_t>(out.size(), size());
    std::copy_n(block.bytes().begin(), n, out.begin());
    out = out.subspan(n);
  }
}

}  // namespace handfast::crypto
