// Asio's buffer sequences as plain spans, so that what waits need not know their type.
#pragma once

#include <array>

#include <asio/buffer.hpp>

#include "base/types.hpp"

namespace handfast::io::detail {

/// The first pieces of a buffer sequence. An operation that reads or writes "some" bytes may stop
/// after them.
template <class Span>
struct Pieces {
  static constexpr u32 pieces_max = 8;
  std::array<Span, pieces_max> spans{};
  u32 count = 0;
  std::size_t size() const {
    std::size_t sum = 0;
    for (u32 i = 0; i < count; ++i) sum += spans[i].size();
    return sum;
  }
};
using ReadPieces = Pieces<MutBytes>;
using WritePieces = Pieces<Bytes>;

template <class Result, class Sequence>
Result pieces_of(const Sequence& buffers) {
  Result result;
  const auto end = asio::buffer_sequence_end(buffers);
  for (auto at = asio::buffer_sequence_begin(buffers); at != end; ++at) {
    if (result.count == Result::pieces_max) break;
    if constexpr (std::is_same_v<Result, ReadPieces>) {
      const asio::mutable_buffer buffer(*at);
      if (buffer.size() > 0)
        result.spans[result.count++] = {static_cast<u8*>(buffer.data()), buffer.size()};
    } else {
      const asio::const_buffer buffer(*at);
      if (buffer.size() > 0)
        result.spans[result.count++] = {static_cast<const u8*>(buffer.data()), buffer.size()};
    }
  }
  return result;
}

}  // namespace handfast::io::detail
