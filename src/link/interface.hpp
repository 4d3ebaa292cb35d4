// The kernel's end of a TUN or TAP device: bring it up, set its MTU, give it addresses. Linux only,
// over rtnetlink (RFC 3549). The process needs CAP_NET_ADMIN.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "link/error.hpp"
#include "wire/address.hpp"

namespace handfast::link {

/// An address of our host, and the one that the kernel gets on its end of the wire.
struct InterfaceAddress {
  wire::IpAddress ours;
  u8 prefix_length = 0;                        // of 32 or 128 bits
  std::optional<wire::IpAddress> kernel = {};  // absent: kernel_address_for()
};

struct InterfaceOptions {
  u32 mtu = 0;  // bytes of IP packet; 0 leaves it as it is
  std::vector<InterfaceAddress> addresses{};
};

/// The first host address of the prefix of `ours` that is not `ours`: what the kernel gets if
/// nobody says otherwise, and so our gateway. A prefix of one address has none.
Result<wire::IpAddress, Error> kernel_address_for(const wire::IpAddress& ours, u8 prefix_length);

/// Brings the interface `name` up so that the kernel reaches our addresses at once: no route to
/// add, and no duplicate address detection to wait for (RFC 4862 §5.4) on the kernel's addresses.
/// A kernel address outside the prefix makes a point-to-point pair of the two. What is set already
/// is no error. Waits until the kernel answers for its IPv6 addresses, which takes milliseconds, or
/// two seconds where nobody has the device open. The network namespace is the calling thread's.
Result<void, Error> configure(const std::string& name, const InterfaceOptions& options);

}  // namespace handfast::link
