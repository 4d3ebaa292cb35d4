// Local ports: which socket has one, and which one is given next (RFC 6056).
#pragma once

#include <array>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/byte_order.hpp"
#include "base/siphash.hpp"
#include "base/types.hpp"
#include "host/hash_index.hpp"
#include "wire/address.hpp"

namespace handfast::host {

/// Sockets by local port. A socket at an address goes before one that takes every address.
class PortIndex {
 public:
  void insert(u16 port, u32 socket) { index_.insert(hash(port), socket); }
  void erase(u16 port, u32 socket) { index_.erase(hash(port), socket); }

  /// `endpoint_of(socket)` is the local endpoint of a socket. HashIndex::none: nobody is there.
  template <class EndpointOf>
  u32 find(const wire::Endpoint& local, EndpointOf endpoint_of) const {
    const u32 exact = find_exactly(local, endpoint_of);
    if (exact != HashIndex::none) return exact;
    const wire::IpAddress any = local.address.is_v4() ? wire::any_v4 : wire::any_v6;
    return find_exactly({any, local.port}, endpoint_of);
  }
  template <class EndpointOf>
  u32 find_exactly(const wire::Endpoint& local, EndpointOf endpoint_of) const {
    return index_.find(hash(local.port), [&](u32 socket) { return endpoint_of(socket) == local; });
  }
  /// Visits every socket with `port`.
  template <class Visit>
  void each(u16 port, Visit visit) const {
    index_.find(hash(port), [&](u32 socket) {
      visit(socket);
      return false;
    });
  }

 private:
  // Without a key: the ports here are our own choice, and there is one listener at most to each.
  static u32 hash(u16 port) { return to<u32>(port * u64{0x9e3779b97f4a7c15} >> 32); }

  HashIndex index_;
};

/// RFC 6056 §3.3.4, algorithm 4: a keyed offset per peer, and counters that few peers share, so
/// that ports are hard to guess from outside and seldom reused soon.
class EphemeralPorts {
 public:
  EphemeralPorts(const SipKey& key, u16 first, u16 last)
      : key_(key), first_(first), count_(to<u32>(last) - first + 1), stride_(stride_of(count_)) {}

  struct Choice {
    u16 port;
    u16 next;  // what the same peer is likely to get next
  };
  /// The first port that `is_free(port)` accepts; none where all are taken.
  template <class IsFree>
  std::optional<Choice> pick(const wire::IpAddress& local, const wire::Endpoint& remote,
                             IsFree is_free) {
    const u64 hash = hash_of(local, remote);
    const u32 offset = to<u32>(hash) % count_;
    u32& next = next_[(hash >> 32) % next_.size()];
    for (u32 tries = 0; tries < count_; ++tries) {
      const u16 port = port_at(offset + next);
      if (is_free(port)) {
        next = (next + 1) % count_;
        return Choice{port, port_at(offset + next)};
      }
      // Ports in use lie together, as they were given: on with a long step.
      next = (next + stride_) % count_;
    }
    return std::nullopt;
  }

 private:
  /// Visits all of `count` ports.
  static u32 stride_of(u32 count) {
    u32 stride = to<u32>(u64{count} * 618 / 1000) + 1;
    while (std::gcd(stride, count) != 1) ++stride;
    return stride;
  }
  u16 port_at(u32 place) const { return to<u16>(first_ + place % count_); }
  u64 hash_of(const wire::IpAddress& local, const wire::Endpoint& remote) const {
    std::array<u8, 34> message;
    store_be16(message.data(), remote.port);
    // Of an IPv4 address only what varies.
    const u32 skip = local.is_v4() ? 12 : 0;
    const u32 length = 16 - skip;
    std::memcpy(message.data() + 2, local.octets.data() + skip, length);
    std::memcpy(message.data() + 2 + length, remote.address.octets.data() + skip, length);
    return siphash(key_, Bytes(message).first(2 + 2 * std::size_t{length}));
  }

  SipKey key_;
  u32 first_;
  u32 count_;
  u32 stride_;
  std::array<u32, 256> next_{};
};

}  // namespace handfast::host
