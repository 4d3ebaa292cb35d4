// RFC 9110 §14: parts of a representation, by bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "http/message.hpp"

namespace handfast::http {

struct ByteRange {
  u64 first = 0;
  u64 length = 0;
  bool operator==(const ByteRange&) const = default;
};

inline constexpr u32 ranges_max = 16;

/// The ranges that the Range field asks of a representation of `length` bytes, in its order. None:
/// answer as if there were no Range; empty: answer 416 (§15.5.17). No Range is what is not GET, of
/// another unit, malformed, or asks for more bytes or ranges than are sensible (§14.2).
std::optional<std::vector<ByteRange>> requested_ranges(const Request& request, u64 length);

/// §14.4: "bytes 0-4/10".
std::string content_range(const ByteRange& range, u64 length);
/// "bytes */10", for a 416.
std::string unsatisfied_range(u64 length);

/// What a Content-Range field says.
struct ContentRange {
  ByteRange range{};            // of length 0 in "bytes */10"
  std::optional<u64> length{};  // of the whole; none where the server does not know
};
/// None where it is malformed, of another unit, or contradicts itself (§14.4).
std::optional<ContentRange> parse_content_range(std::string_view value);

/// A range and what goes before it on the wire.
struct Part {
  std::string head;
  ByteRange range;
};
/// §14.6: content of the type multipart/byteranges.
struct Multipart {
  std::vector<Part> parts;
  std::string tail;
  u64 length = 0;  // of it all
};
/// `boundary`, of 1 to 70 letters and digits, should be in none of the parts.
Multipart make_multipart(const std::vector<ByteRange>& ranges, u64 length,
                         std::string_view content_type, std::string_view boundary);

}  // namespace handfast::http
