// RFC 1071 §2: the sum may be made in wider words (C: "parallel summation") whose carries are
// folded in at the end.
#include "wire/checksum_kernels.hpp"

#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace handfast::wire::checksum_kernels {
namespace {

// Below this an AVX2 loop has not repaid its start and its horizontal sum.
constexpr std::size_t avx2_size_min = 128;

template <class Word>
inline u64 take_word(const u8* from, [[maybe_unused]] u8* to) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  if (to != nullptr) std::memcpy(to, &word, sizeof word);
  return word;
}

inline u64 halves(u64 word) { return (word & 0xffffffff) + (word >> 32); }

// The carry goes round: 2^64 is congruent to 1 modulo 0xffff. Compilers make it two instructions.
inline u64 add_round(u64 sum, u64 word) {
  sum += word;
  return sum + (sum < word ? 1u : 0u);
}

// `copying` is a constant, so that the pointer is not tested in the loop.
template <bool copying>
inline u64 sum_words(const u8* from, std::size_t size, u8* to) {
  u64 even = 0;
  u64 odd = 0;
  const auto room = [&](std::size_t at) { return copying ? to + at : nullptr; };
  const auto advance = [&](std::size_t n) {
    from += n;
    size -= n;
    if constexpr (copying) to += n;
  };
  while (size >= 32) {
    even = add_round(even, take_word<u64>(from, room(0)));
    odd = add_round(odd, take_word<u64>(from + 8, room(8)));
    even = add_round(even, take_word<u64>(from + 16, room(16)));
    odd = add_round(odd, take_word<u64>(from + 24, room(24)));
    advance(32);
  }
  while (size >= 8) {
    even = add_round(even, take_word<u64>(from, room(0)));
    advance(8);
  }
  u64 tail = 0;
  if (size >= 4) {
    tail += take_word<u32>(from, room(0));
    advance(4);
  }
  if (size >= 2) {
    tail += take_word<u16>(from, room(0));
    advance(2);
  }
  if (size == 1) {
    u16 last = 0;
    std::memcpy(&last, from, 1);
    if constexpr (copying) *to = *from;
    tail += last;
  }
  return halves(halves(add_round(even, odd)) + tail);
}

#if defined(__x86_64__)

template <bool copying>
__attribute__((target("avx2"))) inline __m256i take_block(const u8* from, [[maybe_unused]] u8* to) {
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  if constexpr (copying) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), block);
  return block;
}

// Sums of 32-bit halves in 64-bit numbers cannot overflow below 16 GiB, so no carry is looked at on
// the way. Four 64-bit lanes each gather the lower and the upper 32-bit halves of what passes.
template <bool copying>
__attribute__((target("avx2"))) inline u64 sum_blocks(const u8* from, std::size_t size, u8* to) {
  const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
  __m256i lower = _mm256_setzero_si256();
  __m256i upper = _mm256_setzero_si256();
  while (size >= 64) {
    const __m256i a = take_block<copying>(from, to);
    const __m256i b = take_block<copying>(from + 32, copying ? to + 32 : nullptr);
    lower = _mm256_add_epi64(
        lower, _mm256_add_epi64(_mm256_and_si256(a, low_half), _mm256_and_si256(b, low_half)));
    upper = _mm256_add_epi64(upper,
                             _mm256_add_epi64(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)));
    from += 64;
    size -= 64;
    if constexpr (copying) to += 64;
  }
  alignas(32) u64 lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi64(lower, upper));
  const u64 tail = sum_words<copying>(from, size, to);
  return halves(lanes[0] + lanes[1] + lanes[2] + lanes[3] + tail);
}

const bool cpu_has_avx2 = __builtin_cpu_supports("avx2") != 0;

#endif

}  // namespace

u64 sum_portable(const u8* from, std::size_t size) { return sum_words<false>(from, size, nullptr); }
u64 copy_portable(const u8* from, std::size_t size, u8* to) {
  return sum_words<true>(from, size, to);
}

#if defined(__x86_64__)
bool has_avx2() { return cpu_has_avx2; }
__attribute__((target("avx2"))) u64 sum_avx2(const u8* from, std::size_t size) {
  return sum_blocks<false>(from, size, nullptr);
}
__attribute__((target("avx2"))) u64 copy_avx2(const u8* from, std::size_t size, u8* to) {
  return sum_blocks<true>(from, size, to);
}
#else
bool has_avx2() { return false; }
u64 sum_avx2(const u8* from, std::size_t size) { return sum_portable(from, size); }
u64 copy_avx2(const u8* from, std::size_t size, u8* to) { return copy_portable(from, size, to); }
#endif

u64 sum(const u8* from, std::size_t size) {
  if (size >= avx2_size_min && has_avx2()) return sum_avx2(from, size);
  return sum_words<false>(from, size, nullptr);
}
u64 copy(const u8* from, std::size_t size, u8* to) {
  if (size >= avx2_size_min && has_avx2()) return copy_avx2(from, size, to);
  return sum_words<true>(from, size, to);
}

}  // namespace handfast::wire::checksum_kernels
