// resolv.conf(5).
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "io/hosts.hpp"
#include "io/resolver.hpp"

namespace handfast::io {
namespace {

/// "ndots:2" as 2; none where it is another option, or no number up to `most`.
std::optional<u32> option_value(std::string_view word, std::string_view name, u32 most) {
  if (!word.starts_with(name) || word.substr(name.size(), 1) != ":") return std::nullopt;
  word.remove_prefix(name.size() + 1);
  u32 value = 0;
  const auto end = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end.ec != std::errc{} || end.ptr != word.data() + word.size()) return std::nullopt;
  return std::min(value, most);
}

void take_option(ResolvConf& conf, std::string_view word) {
  if (const auto dots = option_value(word, "ndots", 15)) conf.dots_min = *dots;
  if (const auto time = option_value(word, "timeout", 30); time && *time > 0)
    conf.dns.attempt_timeout = std::chrono::seconds(*time);
  if (const auto rounds = option_value(word, "attempts", 5); rounds && *rounds > 0)
    conf.dns.rounds_max = *rounds;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('#') || line.starts_with(';')) continue;
    const std::string_view key = take_word(line);
    if (key == "search" || key == "domain") conf.search.clear();  // the last one counts
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
      if (key == "nameserver") {
        const auto address = wire::IpAddress::parse(word);
        if (address && conf.dns.servers.size() < ResolvConf::servers_max)
          conf.dns.servers.push_back({*address, wire::dns_port});
      } else if (key == "search" || key == "domain") {
        if (conf.search.size() < ResolvConf::search_max) conf.search.emplace_back(word);
      } else if (key == "options") {
        take_option(conf, word);
      }
    }
  }
  return conf;
}

ResolvConf load_resolv_conf(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_resolv_conf(text);
}

}  // namespace handfast::io
