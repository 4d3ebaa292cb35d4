#include "host/path_mtus.hpp"

#include <algorithm>

namespace handfast::host {

u32 PathMtus::get(const wire::IpAddress& destination, u32 link_mtu, Instant now) const {
  if (!any_known_) return link_mtu;
  const Entry& entry = entries_[place_of(destination)];
  if (entry.mtu == 0 || now >= entry.expiry || entry.destination != destination) return link_mtu;
  return std::min(entry.mtu, link_mtu);
}

void PathMtus::set(const wire::IpAddress& destination, u32 mtu, Instant now) {
  any_known_ = true;
  entries_[place_of(destination)] = {destination, mtu, after(now, lifetime)};
}

}  // namespace handfast::host
