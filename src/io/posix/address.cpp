#include "io/posix/address.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

namespace handfast::io::posix {

std::optional<wire::Endpoint> endpoint_of(const sockaddr* address, socklen_t length, int family) {
  if (address == nullptr || length < sizeof(sa_family_t)) return std::nullopt;
  if (address->sa_family == AF_INET && family == AF_INET) {
    if (length < sizeof(sockaddr_in)) return std::nullopt;
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<u8, 4> octets;
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return wire::Endpoint{wire::IpAddress::from_v4(octets.data()), ntohs(in.sin_port)};
  }
  if (address->sa_family != AF_INET6 || family != AF_INET6 || length < sizeof(sockaddr_in6))
    return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  return wire::Endpoint{wire::IpAddress::from_v6(in.sin6_addr.s6_addr), ntohs(in.sin6_port)};
}

void store_address(const wire::Endpoint& endpoint, int family, sockaddr* address,
                   socklen_t* length) {
  if (address == nullptr || length == nullptr) return;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.v4_octets(), 4);
    std::memcpy(address, &in, std::min<std::size_t>(*length, sizeof in));
    *length = sizeof in;
    return;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(endpoint.port);
  std::memcpy(in.sin6_addr.s6_addr, endpoint.address.octets.data(), 16);
  std::memcpy(address, &in, std::min<std::size_t>(*length, sizeof in));
  *length = sizeof in;
}

}  // namespace handfast::io::posix
