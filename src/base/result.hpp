// A value, or the reason why there is none.
#pragma once

#include <expected>

namespace handfast {
inline namespace base {

template <class T, class E>
using Result = std::expected<T, E>;

template <class E>
constexpr std::unexpected<E> failure(E why) {
  return std::unexpected<E>(why);
}

}  // namespace base
}  // namespace handfast
