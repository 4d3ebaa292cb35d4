// The cache of link-layer addresses behind ARP (RFC 826) and neighbour discovery (RFC 4861 §5.1),
// with the packets that wait for one. It only remembers; Network asks and answers.
#pragma once

#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "base/timing_wheel.hpp"
#include "host/config.hpp"
#include "host/hash_index.hpp"
#include "host/index_list.hpp"
#include "host/packet.hpp"
#include "wire/address.hpp"

namespace handfast::host {

struct Neighbour {
  enum class State : u8 {
    incomplete,  // asked for, nothing known
    resolved,    // `mac` holds; asked for again when used after `fresh_until`
    probing,     // `mac` is still used while it is being asked for again
  };
  Interface interface = 0;
  wire::IpAddress address{};
  wire::MacAddress mac{};
  State state = State::incomplete;
  u8 tries = 0;
  bool router = false;
  Instant fresh_until{};
  PacketQueue waiting{};
  Links links{};
};

class Neighbours {
 public:
  Neighbours(const SipKey& key, Instant now) : key_(key), timers_(now) {}

  u32 size() const { return slab_.size(); }
  /// Null where nothing is known.
  Neighbour* find(Interface interface, const wire::IpAddress& address);
  /// An incomplete entry. There must be none for this address.
  Neighbour& add(Interface interface, const wire::IpAddress& address);
  /// The entry that was confirmed longest ago; size() must not be 0.
  Neighbour& oldest() { return *slab_.at(by_age_.front()); }
  /// It was confirmed now: the youngest.
  void renew(const Neighbour& neighbour);
  /// `waiting` must have been emptied.
  void remove(const Neighbour& neighbour);

  void set_timer(const Neighbour& neighbour, Instant due);
  Instant deadline() const { return timers_.next(); }
  /// The next entry whose timer ran out, or null.
  Neighbour* pop_due(Instant now);

 private:
  u32 hash(Interface interface, const wire::IpAddress& address) const;
  u32 find_index(Interface interface, const wire::IpAddress& address) const;

  SipKey key_;
  Slab<Neighbour> slab_;
  HashIndex index_;
  IndexList<Neighbour> by_age_;
  TimingWheel timers_;  // ids are indices of slab_
};

}  // namespace handfast::host
