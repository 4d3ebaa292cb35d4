#include "crypto/random.hpp"

#include <algorithm>

#include <openssl/rand.h>

#include "base/assert.hpp"
#include "crypto/hash.hpp"

namespace handfast::crypto {
namespace {

Secret step(const Secret& state, u8 purpose) {
  SecretBytes<digest_size_max + 1> input(state.size() + 1);
  std::ranges::copy(state.bytes(), input.room().begin());
  input.room().back() = purpose;
  return Secret(hash(HashAlgorithm::sha256, input.bytes()));
}

}  // namespace

void SystemRandom::fill(MutBytes out) {
  // It fails only where the operating system has no entropy to give: there is no way on.
  ASSERT(RAND_bytes(out.data(), to<int>(out.size())) == 1);
}

SeededRandom::SeededRandom(Bytes seed) : state_(hash(HashAlgorithm::sha256, seed)) {}

void SeededRandom::fill(MutBytes out) {
  while (!out.empty()) {
    const Secret block = step(state_, 1);
    state_ = step(state_, 0);
    const std::size_t n = std::min<std::size_t>(out.size(), block.size());
    std::copy_n(block.bytes().begin(), n, out.begin());
    out = out.subspan(n);
  }
}

}  // namespace handfast::crypto
