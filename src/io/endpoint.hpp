// Our addresses and Asio's, for programs that speak over both our stack and the kernel's.
#pragma once

#include <algorithm>
#include <array>

#include <asio/ip/tcp.hpp>

#include "wire/address.hpp"

namespace handfast::io {

inline asio::ip::address to_asio(const wire::IpAddress& address) {
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes{};
    std::copy_n(address.v4_octets(), bytes.size(), bytes.begin());
    return asio::ip::address_v4(bytes);
  }
  return asio::ip::address_v6(address.octets);
}
/// `Protocol` is asio::ip::tcp or asio::ip::udp.
template <class Protocol = asio::ip::tcp>
typename Protocol::endpoint to_asio(const wire::Endpoint& endpoint) {
  return {to_asio(endpoint.address), endpoint.port};
}

inline wire::IpAddress from_asio(const asio::ip::address& address) {
  if (address.is_v4()) return wire::IpAddress::from_v4(address.to_v4().to_bytes().data());
  return wire::IpAddress::from_v6(address.to_v6().to_bytes().data());
}
template <class Protocol>
wire::Endpoint from_asio(const asio::ip::basic_endpoint<Protocol>& endpoint) {
  return {from_asio(endpoint.address()), endpoint.port()};
}

}  // namespace handfast::io
