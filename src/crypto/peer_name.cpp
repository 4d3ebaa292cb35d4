// RFC 9525 §6: matching.
#include "crypto/peer_name.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "crypto/x509_handles.hpp"

namespace handfast::crypto {
namespace {

constexpr std::size_t name_bytes_max = 253;  // RFC 1035 §2.3.4
constexpr std::size_t label_bytes_max = 63;

char lower(char c) { return c >= 'A' && c <= 'Z' ? to<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// Letters, digits, hyphens; and the underscore, which is no host's by RFC 952 but is many a one's.
bool is_label(std::string_view label) {
  const auto fits = [](char c) {
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, fits);
}

bool is_host_name(std::string_view name) {
  if (name.size() > name_bytes_max) return false;
  while (true) {
    const auto dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

std::optional<IpOctets> parse_v4(std::string_view text) {
  IpOctets address{{}, 4};
  for (u32 i = 0; i < 4; ++i) {
    const std::string_view part = text.substr(0, text.find('.'));
    u32 value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + to<u32>(c - '0');
    }
    if (part.empty() || part.size() > 3 || value > 255) return std::nullopt;
    address.octets[i] = to<u8>(value);
    const bool is_last = part.size() == text.size();
    if (is_last != (i == 3)) return std::nullopt;
    text.remove_prefix(part.size() + (is_last ? 0 : 1));
  }
  return address;
}

std::optional<IpOctets> parse_v6(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") != text.npos) return std::nullopt;
  const ErrorQueueGuard guard;
  const Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> octets(
      a2i_IPADDRESS(std::string(text).c_str()));
  if (!octets || bytes_of(octets.get()).size() != 16) return std::nullopt;
  IpOctets address{{}, 16};
  std::ranges::copy(bytes_of(octets.get()), address.octets.begin());
  return address;
}

}  // namespace

std::string to_string(const IpOctets& address) {
  const auto& o = address.octets;
  if (address.size == 4) return fmt::format("{}.{}.{}.{}", o[0], o[1], o[2], o[3]);
  // RFC 5952: "::" for the longest run of two zero groups or more, the first of equals.
  const auto group = [&](std::size_t i) { return to<u32>(o[2 * i]) << 8 | o[2 * i + 1]; };
  u32 run_at = 8;
  u32 run = 1;
  for (u32 i = 0; i < 8; ++i) {
    u32 n = 0;
    while (i + n < 8 && group(i + n) == 0) ++n;
    if (n > run) {
      run = n;
      run_at = i;
    }
  }
  std::string text;
  for (u32 i = 0; i < 8; ++i) {
    if (i == run_at) {
      text += "::";
      i += run - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", group(i));
  }
  return text;
}

Result<PeerName, std::string> PeerName::parse(std::string_view text) {
  if (text.find(':') != text.npos) {
    if (const auto address = parse_v6(text)) return PeerName{{}, *address};
    return failure(fmt::format("'{}' is neither a host name nor an IPv6 address", text));
  }
  if (const auto address = parse_v4(text)) return PeerName{{}, *address};
  if (text.ends_with('.')) text.remove_suffix(1);
  PeerName name{std::string(text), {}};
  std::ranges::transform(name.dns, name.dns.begin(), lower);
  // The last label of a host name is not all digits (RFC 1123 §2.1): "1.2.3.400" is a mistake.
  const std::string_view last = std::string_view(name.dns).substr(name.dns.rfind('.') + 1);
  const auto is_foreign = [](char c) { return to<u8>(c) >= 0x80; };
  if (std::ranges::any_of(text, is_foreign))
    return failure(fmt::format("'{}' has letters that are not ASCII: write its xn-- form", text));
  const bool looks_like_address = last.find_first_not_of("0123456789") == last.npos;
  if (!is_host_name(name.dns) || looks_like_address)
    return failure(fmt::format("'{}' is neither a host name nor an IP address", text));
  return name;
}

std::string to_string(const PeerName& name) {
  return name.is_address() ? to_string(name.address) : name.dns;
}

bool is_dns_pattern(std::string_view name) {
  return is_host_name(name.starts_with("*.") ? name.substr(2) : name);
}

bool dns_matches(std::string_view pattern, std::string_view host) {
  if (pattern.starts_with("*.")) {
    const auto dot = host.find('.');
    if (dot == host.npos) return false;
    pattern.remove_prefix(2);
    host.remove_prefix(dot + 1);
    if (pattern.find('.') == pattern.npos) return false;
  }
  return is_host_name(pattern) && same(pattern, host);
}

}  // namespace handfast::crypto
