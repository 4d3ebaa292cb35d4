// Published test vectors. They are not part of this tree: HANDFAST_VECTORS, an environment variable
// or a setting of CMake, says where they lie.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"

namespace handfast::test {

inline constexpr std::string_view no_vectors =
    "HANDFAST_VECTORS names no directory that has this file";

/// Where `name` lies, or none.
inline std::optional<std::string> vector_file(const std::string& name) {
  const char* directory = std::getenv("HANDFAST_VECTORS");
  if (directory == nullptr) directory = HANDFAST_VECTORS;
  if (*directory == '\0') return std::nullopt;
  const std::filesystem::path path = std::filesystem::path(directory) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.string();
}

inline std::vector<u8> from_hex(std::string_view text) {
  const auto digit = [](char c) { return to<u8>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); };
  std::vector<u8> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = to<u8>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
  return bytes;
}

}  // namespace handfast::test
