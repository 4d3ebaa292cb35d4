// Reads smuggling.txt.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"

namespace handfast::http {

struct Case {
  std::string name;
  std::string expected;
  std::string bytes;
};

/// The text of smuggling.txt as bytes. `text` is used up to its end or to a ")".
inline std::string unescape(std::string_view& text) {
  std::string out;
  while (!text.empty() && text[0] != ')') {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
      continue;
    }
    const char escaped = text.at(0);
    text.remove_prefix(1);
    if (escaped == 'x') {
      out += to<char>(std::stoi(std::string(text.substr(0, 2)), nullptr, 16));
      text.remove_prefix(2);
    } else if (escaped == '*') {
      const auto open = text.find('(');
      const int times = std::stoi(std::string(text.substr(0, open)));
      text.remove_prefix(open + 1);
      const std::string repeated = unescape(text);
      text.remove_prefix(1);
      for (int i = 0; i < times; ++i) out += repeated;
    } else {
      constexpr std::string_view names = "rnt0";
      const auto known = names.find(escaped);
      out += known == names.npos ? escaped : std::string_view("\r\n\t\0", 4)[known];
    }
  }
  return out;
}

inline std::vector<Case> read_cases() {
  std::ifstream file(std::filesystem::path(HANDFAST_SOURCE_DIR) / "tests/http/smuggling.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] != ' ') {
      cases.push_back({line, {}, {}});
    } else if (cases.back().expected.empty()) {
      cases.back().expected = line.substr(2);
    } else {
      std::string_view text = std::string_view(line).substr(2);
      if (text.starts_with("POST...")) {
        cases.back().bytes += "POST / HTTP/1.1\r\nHost: a\r\n";
        text.remove_prefix(7);
      }
      cases.back().bytes += unescape(text);
    }
  }
  return cases;
}

}  // namespace handfast::http
