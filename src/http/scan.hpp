// How much of a text is of one class of characters, sixteen at a time where the machine has SSE2.
#pragma once

#include <algorithm>
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

/// Which bytes are outside of a class; where ends_early, some that are in it as well.
template <CharClass wanted>
Block ends(Block block);
template <CharClass wanted>
inline constexpr bool ends_early = wanted == char_token || wanted == char_host;

/// Control characters without HTAB.
template <>
inline Block ends<char_value>(Block block) {
  const Block is_low = _mm_cmpeq_epi8(_mm_min_epu8(block, each(0x1f)), block);
  const Block is_tab = _mm_cmpeq_epi8(block, each('\t'));
  return _mm_or_si128(_mm_andnot_si128(is_tab, is_low), _mm_cmpeq_epi8(block, each(0x7f)));
}
/// What is not visible ASCII.
template <>
inline Block ends<char_target>(Block block) {
  return _mm_xor_si128(in_range(block, 0x21, 0x7e), each(0xff));
}
/// All but letters, digits and "-": that is what real names are made of.
template <>
inline Block ends<char_token>(Block block) {
  const Block letter = in_range(_mm_or_si128(block, each(0x20)), 'a', 'z');
  const Block other = _mm_or_si128(in_range(block, '0', '9'), _mm_cmpeq_epi8(block, each('-')));
  return _mm_xor_si128(_mm_or_si128(letter, other), each(0xff));
}
/// The same with "-" to ":", but for "/".
template <>
inline Block ends<char_host>(Block block) {
  const Block letter = in_range(_mm_or_si128(block, each(0x20)), 'a', 'z');
  const Block other = _mm_andnot_si128(_mm_cmpeq_epi8(block, each('/')), in_range(block, '-', ':'));
  return _mm_xor_si128(_mm_or_si128(letter, other), each(0xff));
}

/// A bit for each byte of the block at `at`.
template <CharClass wanted>
inline u32 ends_at(const void* at) {
  return to<u32>(_mm_movemask_epi8(ends<wanted>(load(at))));
}

/// A text of 4 to 16 bytes in one block, some of it twice.
inline Block spread(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::array<u64, 2> halves;
  if (text.size() >= sizeof(u64)) {
    std::memcpy(halves.data(), text.data(), sizeof(u64));
    std::memcpy(&halves[1], end - sizeof(u64), sizeof(u64));
  } else {
    std::array<u32, 2> quarters;
    std::memcpy(quarters.data(), text.data(), sizeof(u32));
    std::memcpy(&quarters[1], end - sizeof(u32), sizeof(u32));
    halves.fill(std::bit_cast<u64>(quarters));
  }
  return std::bit_cast<Block>(halves);
}
#endif

/// How many bytes of `text` from `from` on are of this class, without a gap. The bytes before count
/// for speed: a block may begin there.
template <CharClass wanted>
inline std::size_t span(std::string_view text, std::size_t from) {
  std::size_t at = from;
#ifdef __SSE2__
  for (u32 found = 0; found == 0 && at < text.size() && text.size() >= sizeof(Block);) {
    const std::size_t begin = std::min(at, text.size() - sizeof(Block));
    found = ends_at<wanted>(text.data() + begin) >> (at - begin);
    at = found == 0 ? begin + sizeof(Block) : at + to<u32>(std::countr_zero(found));
    if (found != 0 && !ends_early<wanted>) return at - from;
  }
#endif
  while (at < text.size() && is(wanted, text[at])) ++at;
  return at - from;
}

}  // namespace detail

constexpr u32 line_feeds_bytes = 64;
/// A bit for each byte of `text`, at most line_feeds_bytes: whether it is LF.
inline u64 line_feeds(Bytes text) {
  u64 feeds = 0;
  std::size_t at = 0;
#ifdef __SSE2__
  constexpr std::size_t step = sizeof(detail::Block);
  const auto look = [&](std::size_t from) {
    const auto found = _mm_cmpeq_epi8(detail::load(text.data() + from), detail::each('\n'));
    feeds |= u64{to<u32>(_mm_movemask_epi8(found))} << from;
  };
  for (; at + step <= text.size(); at += step) look(at);
  if (at > 0 && at < text.size()) look(text.size() - step);
  if (at > 0) return feeds;
#endif
  for (; at < text.size(); ++at) feeds |= u64{text[at] == '\n'} << at;
  return feeds;
}

inline std::size_t value_length(std::string_view text, std::size_t from = 0) {
  return detail::span<char_value>(text, from);
}
inline std::size_t target_length(std::string_view text, std::size_t from = 0) {
  return detail::span<char_target>(text, from);
}
inline std::size_t name_length(std::string_view text, std::size_t from = 0) {
  return detail::span<char_token>(text, from);
}

/// all(), for texts that usually are.
template <CharClass wanted>
inline bool consists_of(std::string_view text) {
#ifdef __SSE2__
  if (text.size() > sizeof(detail::Block)) return detail::span<wanted>(text, 0) == text.size();
  if (text.size() >= 4 && _mm_movemask_epi8(detail::ends<wanted>(detail::spread(text))) == 0)
    return true;
#endif
  return all(wanted, text);
}

/// A field that may be sent. One with a line break in its value would let data become fields
/// ("response splitting").
inline bool is_sendable(std::string_view name, std::string_view value) {
  return !name.empty() && consists_of<char_token>(name) && consists_of<char_value>(value) &&
         trim(value).size() == value.size();
}

}  // namespace handfast::http
