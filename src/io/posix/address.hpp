// Socket addresses in the system's form and in ours.
#pragma once

#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>

#include "wire/address.hpp"

namespace handfast::io::posix {

/// Of an AF_INET or AF_INET6 address, as a socket of `family` understands it; none where it is
/// too short or of another family. IPv4-mapped IPv6 addresses are IPv4 (RFC 3493 §3.7).
std::optional<wire::Endpoint> endpoint_of(const sockaddr* address, socklen_t length, int family);

/// Writes `endpoint` for a socket of `family`, cut to *length, which becomes the full length.
/// Null pointers are left alone.
void store_address(const wire::Endpoint& endpoint, int family, sockaddr* address,
                   socklen_t* length);

}  // namespace handfast::io::posix
