// "Did you mean …?" for a mistyped word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handfast::cli {

/// The candidate that `word` was probably meant to be, or "" where none is near: at most a third
/// of its letters (but at least one) changed, left out, added or swapped.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace handfast::cli
