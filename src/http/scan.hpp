// How much of a text is of one class of characters, sixteen at a time where the machine has SSE2.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/types.hpp"
#include "http/grammar.hpp"

namespace handfast::http {
namespace detail {

#ifdef __SSE2__
using Block = __m128i;
inline Block load(const void* at) {
  Block block;
  std::memcpy(&block, at, sizeof block);
  return block;
}
inline Block each(int c) { return _mm_set1_epi8(static_cast<char>(c)); }
inline Block in_range(Block block, char first, char last) {
  return _mm_and_si128(_mm_cmpgt_epi8(block, each(first - 1)),
                       _mm_cmplt_epi8(block, each(last + 1)));
}

/// Which bytes end a field value: control characters without HTAB.
inline Block ends_value(Block block) {
  const Block is_low = _mm_cmpeq_epi8(_mm_min_epu8(block, each(0x1f)), block);
  const Block is_tab = _mm_cmpeq_epi8(block, each('\t'));
  return _mm_or_si128(_mm_andnot_si128(is_tab, is_low), _mm_cmpeq_epi8(block, each(0x7f)));
}
/// Which bytes are not visible ASCII.
inline Block ends_target(Block block) {
  return _mm_xor_si128(in_range(block, 0x21, 0x7e), each(0xff));
}
/// Which bytes are neither letter, digit nor "-": all that real names are made of.
inline Block ends_usual_name(Block block) {
  const Block letter = in_range(_mm_or_si128(block, each(0x20)), 'a', 'z');
  const Block other = _mm_or_si128(in_range(block, '0', '9'), _mm_cmpeq_epi8(block, each('-')));
  return _mm_xor_si128(_mm_or_si128(letter, other), each(0xff));
}
#endif

/// The length of the longest front of `text` that is all of class `wanted`. `ends` finds bytes that
/// may not be; none of the others may be outside the class.
#ifdef __SSE2__
template <CharClass wanted, Block (*ends)(Block)>
#else
template <CharClass wanted>
#endif
inline std::size_t span(std::string_view text) {
  std::size_t at = 0;
#ifdef __SSE2__
  for (; at + sizeof(Block) <= text.size(); at += sizeof(Block)) {
    const int found = _mm_movemask_epi8(ends(load(text.data() + at)));
    if (found == 0) continue;
    at += to<u32>(std::countr_zero(to<u32>(found)));
    break;
  }
#endif
  while (at < text.size() && is(wanted, text[at])) ++at;
  return at;
}

}  // namespace detail

constexpr u32 line_feeds_bytes = 64;
/// A bit for each byte of `text`, at most line_feeds_bytes: whether it is LF.
inline u64 line_feeds(Bytes text) {
  u64 feeds = 0;
#ifdef __SSE2__
  std::array<u8, line_feeds_bytes> padded;
  const u8* at = text.data();
  if (text.size() < line_feeds_bytes) {
    padded.fill(0);
    std::memcpy(padded.data(), text.data(), text.size());
    at = padded.data();
  }
  for (u32 i = 0; i < line_feeds_bytes; i += sizeof(detail::Block)) {
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(detail::load(at + i), detail::each('\n')));
    feeds |= u64{to<u32>(found)} << i;
  }
#else
  for (u32 i = 0; i < text.size(); ++i) feeds |= u64{text[i] == '\n'} << i;
#endif
  return feeds;
}

#ifdef __SSE2__
inline std::size_t value_length(std::string_view text) {
  return detail::span<char_value, detail::ends_value>(text);
}
inline std::size_t target_length(std::string_view text) {
  return detail::span<char_target, detail::ends_target>(text);
}
inline std::size_t name_length(std::string_view text) {
  return detail::span<char_token, detail::ends_usual_name>(text);
}
#else
inline std::size_t value_length(std::string_view text) { return detail::span<char_value>(text); }
inline std::size_t target_length(std::string_view text) { return detail::span<char_target>(text); }
inline std::size_t name_length(std::string_view text) { return detail::span<char_token>(text); }
#endif

}  // namespace handfast::http
