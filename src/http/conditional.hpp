// RFC 9110 §13: what a client asks to be done only if the representation is, or is not, the one
// that it knows.
#pragma once

#include <string_view>

#include "base/types.hpp"
#include "http/message.hpp"

namespace handfast::http {

/// By what a representation is known (RFC 9110 §8.8).
struct Validators {
  std::string_view entity_tag{};  // with its quotes, and "W/" where it is weak; empty: none
  i64 modified = -1;              // seconds since 1970; negative: unknown
};

enum class Precondition : u8 {
  holds,
  not_modified,  // answer 304
  fails,         // answer 412
};
/// RFC 9110 §13.2.2: If-Match, else If-Unmodified-Since; then If-None-Match, else
/// If-Modified-Since. For a representation that exists. A date that cannot be read is no condition.
Precondition check_preconditions(const Request& request, const Validators& validators);

/// RFC 9110 §13.1.5: whether a Range may be answered by a part. A date in If-Range never matches:
/// it would have to be known that the file did not change twice within that second (§8.8.2.2).
bool if_range_holds(const Request& request, const Validators& validators);

}  // namespace handfast::http
