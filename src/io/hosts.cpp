#include "io/hosts.hpp"

#include <fstream>
#include <iterator>

#include "http/grammar.hpp"

namespace handfast::io {

std::string_view take_word(std::string_view& line) {
  const auto begin = std::min(line.find_first_not_of(" \t\r"), line.size());
  const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

std::vector<wire::IpAddress> find_in_hosts(std::string_view text, std::string_view name) {
  std::vector<wire::IpAddress> found;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const auto address = wire::IpAddress::parse(take_word(line));
    if (!address) continue;
    for (auto word = take_word(line); !word.empty(); word = take_word(line))
      if (http::equals_ignoring_case(word, name)) {
        found.push_back(*address);
        break;
      }
  }
  return found;
}

std::vector<wire::IpAddress> look_up(const std::string& name, const std::string& hosts_file) {
  if (const auto address = wire::IpAddress::parse(name)) return {*address};
  std::ifstream file(hosts_file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return find_in_hosts(text, name);
}

}  // namespace handfast::io
