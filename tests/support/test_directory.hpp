// A directory of a test's own, removed at the end: tests run side by side.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace handfast::test {

class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "handfast-test-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", {});
    path_ = pattern;
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  /// Writes a file, with the directories above it, and returns its path.
  std::string write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }
  /// Bytes that repeat late, so that a piece in the wrong place shows.
  static std::string content(std::size_t size) {
    std::string text(size, '\0');
    unsigned state = 1;
    for (char& c : text) {
      state = state * 1103515245 + 12345;
      c = static_cast<char>(state >> 16);
    }
    return text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace handfast::test
