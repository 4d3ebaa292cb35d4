#include "host/neighbours.hpp"

#include <array>
#include <cstring>

#include "base/byte_order.hpp"

namespace handfast::host {

Neighbour* Neighbours::find(Interface interface, const wire::IpAddress& address) {
  const u32 index = find_index(interface, address);
  return index == HashIndex::none ? nullptr : slab_.at(index);
}

Neighbour& Neighbours::add(Interface interface, const wire::IpAddress& address) {
  const u32 index = slab_.emplace().index;
  Neighbour& added = *slab_.at(index);
  added.interface = interface;
  added.address = address;
  index_.insert(hash(interface, address), index);
  by_age_.push_back(slab_, index);
  return added;
}

void Neighbours::renew(const Neighbour& neighbour) {
  by_age_.move_to_back(slab_, find_index(neighbour.interface, neighbour.address));
}

void Neighbours::remove(const Neighbour& neighbour) {
  ASSERT(neighbour.waiting.empty());
  const u32 index = find_index(neighbour.interface, neighbour.address);
  timers_.cancel(index);
  by_age_.remove(slab_, index);
  index_.erase(hash(neighbour.interface, neighbour.address), index);
  slab_.erase(slab_.handle_at(index));
}

void Neighbours::set_timer(const Neighbour& neighbour, Instant due) {
  timers_.set(find_index(neighbour.interface, neighbour.address), due);
}

Neighbour* Neighbours::pop_due(Instant now) {
  const auto index = timers_.pop_due(now);
  return index ? slab_.at(*index) : nullptr;
}

u32 Neighbours::hash(Interface interface, const wire::IpAddress& address) const {
  std::array<u8, 18> message{};
  store_be16(message.data(), interface);
  std::memcpy(message.data() + 2, address.octets.data(), address.octets.size());
  return to<u32>(siphash(key_, message));
}

u32 Neighbours::find_index(Interface interface, const wire::IpAddress& address) const {
  return index_.find(hash(interface, address), [&](u32 index) {
    const Neighbour& here = *const_cast<Slab<Neighbour>&>(slab_).at(index);
    return here.interface == interface && here.address == address;
  });
}

}  // namespace handfast::host
