// Text forms: RFC 4291 §2.2 is read, RFC 5952 §4 is written.
#include "wire/address.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_order.hpp"

namespace handfast::wire {
namespace {

// A number of 1 to `digits_max` digits that is the whole of `text`.
std::optional<u32> parse_number(std::string_view text, u32 base, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  u32 value = 0;
  for (const char c : text) {
    u32 digit = 16;
    if (c >= '0' && c <= '9') digit = to<u32>(c - '0');
    if (c >= 'a' && c <= 'f') digit = to<u32>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = to<u32>(c - 'A' + 10);
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

// Cuts `text` before the next `separator` and takes that out.
std::string_view next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool parse_v4(std::string_view text, u8* octets) {
  if (std::ranges::count(text, '.') != 3 || text.ends_with('.')) return false;
  for (int i = 0; i < 4; ++i) {
    const std::string_view part = next_part(text, '.');
    const auto value = parse_number(part, 10, 3);
    if (!value || *value > 255 || (part.size() > 1 && part[0] == '0')) return false;
    octets[i] = to<u8>(*value);
  }
  return true;
}

// Groups separated by single colons, the last maybe in dotted decimal. Returns the bytes written
// to `out` (16 of room).
std::optional<u32> parse_groups(std::string_view text, u8* out) {
  u32 size = 0;
  if (text.empty()) return size;
  if (text.ends_with(':')) return std::nullopt;
  while (!text.empty()) {
    const std::string_view part = next_part(text, ':');
    if (text.empty() && part.find('.') != part.npos) {
      if (size + 4 > 16 || !parse_v4(part, out + size)) return std::nullopt;
      return size + 4;
    }
    const auto value = parse_number(part, 16, 4);
    if (!value || size + 2 > 16) return std::nullopt;
    store_be16(out + size, to<u16>(*value));
    size += 2;
  }
  return size;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  IpAddress address;
  const std::size_t gap = text.find("::");
  if (gap == text.npos) {
    const auto size = parse_groups(text, address.octets.data());
    if (size != 16u) return std::nullopt;
    return address;
  }
  // RFC 4291 §2.2: "::" stands for one or more groups of zeros, and only once.
  std::array<u8, 16> tail{};
  const std::string_view before = text.substr(0, gap);
  if (before.find('.') != before.npos) return std::nullopt;
  const auto head_size = parse_groups(before, address.octets.data());
  const auto tail_size = parse_groups(text.substr(gap + 2), tail.data());
  if (!head_size || !tail_size || *head_size + *tail_size > 14) return std::nullopt;
  std::memcpy(address.octets.data() + 16 - *tail_size, tail.data(), *tail_size);
  return address;
}

struct Run {
  int first = 8;
  int length = 0;
};

// RFC 5952 §4.2: the longest run of at least two zero groups, the first of equals.
Run longest_zero_run(const std::array<u16, 8>& groups) {
  Run best{8, 1};
  for (int i = 0; i < 8; ++i) {
    int end = i;
    while (end < 8 && groups[to<std::size_t>(end)] == 0) ++end;
    if (end - i > best.length) best = {i, end - i};
    i = std::max(i, end - 1);
  }
  return best;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') != text.npos) return parse_v6(text);
  IpAddress address = any_v4;
  if (!parse_v4(text, address.octets.data() + 12)) return std::nullopt;
  return address;
}

bool IpAddress::is_loopback() const { return is_v4() ? octets[12] == 127 : *this == loopback_v6; }

bool IpAddress::is_link_local() const {
  if (is_v4()) return octets[12] == 169 && octets[13] == 254;
  return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}

bool IpAddress::in_prefix(const IpAddress& network, u8 prefix_length) const {
  if (is_v4() != network.is_v4()) return false;
  if (is_v4()) {
    const u64 differing = load_be32(v4_octets()) ^ load_be32(network.v4_octets());
    return differing >> (32 - std::min<u32>(prefix_length, 32)) == 0;
  }
  const u32 bits = std::min<u32>(prefix_length, 128);
  const std::size_t whole = bits / 8;
  if (std::memcmp(octets.data(), network.octets.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  return ((octets[whole] ^ network.octets[whole]) >> (8 - bits % 8)) == 0;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto port = parse_number(text.substr(colon + 1), 10, 5);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  // Brackets are for what has colons, and without them it is not clear where the port begins.
  if (!port || *port > 65535 || !address || bracketed != (host.find(':') != host.npos))
    return std::nullopt;
  return Endpoint{*address, to<u16>(*port)};
}

std::string to_string(const MacAddress& address) {
  return fmt::format("{:02x}", fmt::join(address.octets, ":"));
}

std::string to_string(const IpAddress& address) {
  if (address.is_v4()) {
    const u8* octets = address.v4_octets();
    return fmt::format("{}.{}.{}.{}", octets[0], octets[1], octets[2], octets[3]);
  }
  std::array<u16, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = load_be16(address.octets.data() + 2 * i);
  const Run run = longest_zero_run(groups);
  if (run.first == 8) return fmt::format("{:x}", fmt::join(groups, ":"));
  const auto gap = groups.begin() + run.first;
  return fmt::format("{:x}::{:x}", fmt::join(groups.begin(), gap, ":"),
                     fmt::join(gap + run.length, groups.end(), ":"));
}

std::string to_string(const Endpoint& endpoint) {
  const std::string host = to_string(endpoint.address);
  if (endpoint.address.is_v4()) return fmt::format("{}:{}", host, endpoint.port);
  return fmt::format("[{}]:{}", host, endpoint.port);
}

}  // namespace handfast::wire
