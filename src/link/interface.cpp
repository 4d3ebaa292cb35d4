#include "link/interface.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "link/netlink.hpp"

namespace handfast::link {
namespace {

using wire::IpAddress;

constexpr u32 ipv6_mtu_min = 1280;  // RFC 8200 §5
constexpr u32 route_changes_max = 20;
constexpr int route_wait_ms = 100;

std::string reason(int code) { return std::system_category().message(code); }

u8 width(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

Bytes octets_of(const IpAddress& address) {
  return address.is_v4() ? Bytes(address.octets).subspan(12) : Bytes(address.octets);
}

// The host part is the last `width - prefix_length` bits, all of them within `octets`.
IpAddress with_host_part(IpAddress address, u8 prefix_length, u8 last, u8 filler) {
  const u32 host_bits = width(address) - u32{prefix_length};
  for (u32 bit = 0; bit < host_bits; ++bit) {
    u8& octet = address.octets[15 - bit / 8];
    const u8 from = bit < 8 ? last : filler;
    const u32 mask = 1u << (bit % 8);
    octet = to<u8>((octet & ~mask) | (from & mask));
  }
  return address;
}

Error cannot(const std::string& name, std::string_view what, int code) {
  Error error{fmt::format("cannot {} on {}: {}", what, name, reason(code)), "", code};
  switch (code) {
    case EPERM:
      error.what = fmt::format("cannot {} on {}: this needs CAP_NET_ADMIN", what, name);
      error.advice = "run as root, or set the interface up beforehand with `ip`";
      break;
    case EACCES:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      error.advice =
          "if this is an IPv6 address, IPv6 is switched off: "
          "`sysctl net.ipv6.conf.all.disable_ipv6=0`";
      break;
    case EINVAL:
      error.advice = "the kernel refuses the value: check the MTU, or the address and its prefix";
      break;
    default: break;
  }
  return error;
}

Result<void, Error> check(const InterfaceAddress& wanted, u32 mtu) {
  const std::string text = fmt::format("{}/{}", to_string(wanted.ours), wanted.prefix_length);
  if (wanted.prefix_length > width(wanted.ours))
    return failure(Error{fmt::format("{} is no prefix", text),
                         fmt::format("the length is at most {}", width(wanted.ours)), EINVAL});
  if (wanted.kernel && wanted.kernel->is_v4() != wanted.ours.is_v4())
    return failure(
        Error{fmt::format("{} and {} are not of one family", text, to_string(*wanted.kernel)),
              "give both ends an IPv4 address, or both an IPv6 one", EINVAL});
  if (wanted.kernel == wanted.ours)
    return failure(Error{fmt::format("both ends cannot be {}", to_string(wanted.ours)),
                         "give the kernel's end another address of the prefix", EINVAL});
  if (wanted.ours.is_v6() && mtu != 0 && mtu < ipv6_mtu_min)
    return failure(Error{fmt::format("an MTU of {} is too small for IPv6", mtu),
                         fmt::format("use {} or more (RFC 8200 §5)", ipv6_mtu_min), EINVAL});
  return {};
}

int bring_up(u32 index, u32 mtu) {
  ifinfomsg link{};
  link.ifi_family = AF_UNSPEC;
  link.ifi_index = to<int>(index);
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  NetlinkRequest request(RTM_NEWLINK, 0);
  request.body(link);
  if (mtu != 0) request.attribute(IFLA_MTU, mtu);
  return request.transact();
}

int add_address(u32 index, const InterfaceAddress& wanted, const IpAddress& kernel) {
  const bool is_v4 = kernel.is_v4();
  const bool in_prefix = kernel.in_prefix(wanted.ours, wanted.prefix_length);
  ifaddrmsg message{};
  message.ifa_family = is_v4 ? AF_INET : AF_INET6;
  message.ifa_index = index;
  message.ifa_prefixlen = in_prefix ? wanted.prefix_length : width(kernel);
  message.ifa_flags = is_v4 ? 0 : IFA_F_NODAD;
  NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  request.body(message).attribute(IFA_LOCAL, octets_of(kernel));
  // Within the prefix the kernel routes the whole of it here; else only what lies at the far end.
  request.attribute(IFA_ADDRESS, octets_of(in_prefix ? kernel : wanted.ours));
  if (is_v4 && in_prefix && wanted.prefix_length < 31) {
    const IpAddress broadcast = with_host_part(kernel, wanted.prefix_length, 0xff, 0xff);
    request.attribute(IFA_BROADCAST, octets_of(broadcast));
  }
  return request.transact();
}

bool is_local(const IpAddress& address) {
  rtmsg route{};
  route.rtm_family = AF_INET6;
  route.rtm_dst_len = 128;
  std::array<u8, sizeof route> found{};
  NetlinkRequest request(RTM_GETROUTE, 0);
  request.body(route).attribute(RTA_DST, octets_of(address));
  if (request.transact(found) != 0) return false;
  std::memcpy(&route, found.data(), sizeof route);
  return route.rtm_type == RTN_LOCAL;
}

// Linux makes an IPv6 address its own in a work queue, after the request to add it was answered.
// What arrives for it until then is lost, and a first SYN,ACK would be missed for a second.
void wait_until_local(const IpAddress& address, RouteWatch& routes) {
  for (u32 i = 0; i < route_changes_max && !is_local(address); ++i) routes.wait(route_wait_ms);
}

}  // namespace

Result<IpAddress, Error> kernel_address_for(const IpAddress& ours, u8 prefix_length) {
  if (const auto sound = check({ours, prefix_length}, 0); !sound) return failure(sound.error());
  const u32 host_bits = width(ours) - u32{prefix_length};
  if (host_bits == 0)
    return failure(Error{
        fmt::format("{}/{} leaves no address for the kernel's end", to_string(ours), prefix_length),
        "use a shorter prefix, or say which address the kernel has", EINVAL});
  if (host_bits == 1) {  // RFC 3021, RFC 6164: both are hosts
    const u8 last = ours.octets[15] & 1;
    return with_host_part(ours, prefix_length, to<u8>(last ^ 1), 0);
  }
  // 0 is the network itself, or all routers' anycast address (RFC 4291 §2.6.1).
  const IpAddress first = with_host_part(ours, prefix_length, 1, 0);
  return first != ours ? first : with_host_part(ours, prefix_length, 2, 0);
}

Result<void, Error> configure(const std::string& name, const InterfaceOptions& options) {
  const u32 index = if_nametoindex(name.c_str());
  if (index == 0)
    return failure(Error{fmt::format("there is no interface {}", name),
                         "`ip link` lists those of this network namespace", errno});
  for (const InterfaceAddress& wanted : options.addresses)
    if (const auto sound = check(wanted, options.mtu); !sound) return sound;

  if (const int code = bring_up(index, options.mtu); code != 0) {
    const std::string what =
        options.mtu == 0 ? "bring the link up" : fmt::format("set the MTU to {}", options.mtu);
    return failure(cannot(name, what, code));
  }
  RouteWatch routes;
  for (const InterfaceAddress& wanted : options.addresses) {
    auto kernel = wanted.kernel ? Result<IpAddress, Error>(*wanted.kernel)
                                : kernel_address_for(wanted.ours, wanted.prefix_length);
    if (!kernel) return failure(kernel.error());
    if (const int code = add_address(index, wanted, *kernel); code != 0)
      return failure(cannot(name, fmt::format("put {}", to_string(*kernel)), code));
    if (kernel->is_v6()) wait_until_local(*kernel, routes);
  }
  return {};
}

}  // namespace handfast::link
