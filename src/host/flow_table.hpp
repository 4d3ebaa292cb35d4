// Which connection a segment is for: from the flow to a small tagged index. The hash is keyed, so
// that a peer cannot choose ports that collide: any two flows that were chosen without the key do
// with a chance of 2^-32 (multilinear hashing: Lemire, Kaser, "Strongly universal string hashing is
// fast", 2014).
#pragma once

#include <array>
#include <optional>

#include "base/byte_order.hpp"
#include "base/siphash.hpp"
#include "base/types.hpp"
#include "host/hash_index.hpp"
#include "wire/address.hpp"

namespace handfast::host {

/// What stands for a flow: a connection, or one of the small records before and after it.
struct FlowEntry {
  enum class Kind : u8 { connection, half_open, time_wait };
  Kind kind = Kind::connection;
  u32 index = 0;  // in the slab of its kind, below 2^29
  friend bool operator==(const FlowEntry&, const FlowEntry&) = default;
};

class FlowTable {
 public:
  explicit FlowTable(const SipKey& key);

  u32 size() const { return index_.size(); }

  /// `is_it(entry)` tells whether an entry of the table is that of `flow`.
  template <class IsIt>
  std::optional<FlowEntry> find(const wire::Flow& flow, IsIt is_it) const {
    const u32 found = index_.find(hash(flow), [&](u32 value) { return is_it(unpack(value)); });
    if (found == HashIndex::none) return std::nullopt;
    return unpack(found);
  }
  /// The flow must not be there yet.
  void insert(const wire::Flow& flow, FlowEntry entry) { index_.insert(hash(flow), pack(entry)); }
  /// The entry must be there.
  void erase(const wire::Flow& flow, FlowEntry entry) { index_.erase(hash(flow), pack(entry)); }
  /// How many cells a search for a flow that is not there looks at.
  u32 cells_searched(const wire::Flow& flow) const { return index_.cells_searched(hash(flow)); }
  /// Fetches what find() will look at first into the cache.
  void prefetch(const wire::Flow& flow) const { index_.prefetch(hash(flow)); }
  void replace(const wire::Flow& flow, FlowEntry from, FlowEntry with) {
    index_.replace(hash(flow), pack(from), pack(with));
  }

 private:
  static constexpr int index_bits = 29;
  static u32 pack(FlowEntry entry) { return (to<u32>(entry.kind) << index_bits) | entry.index; }
  static FlowEntry unpack(u32 value) {
    return {to<FlowEntry::Kind>(value >> index_bits), value & ((1u << index_bits) - 1)};
  }
  // Every segment asks, some more than once.
  u32 hash(const wire::Flow& flow) const {
    const wire::IpAddress& local = flow.local.address;
    const wire::IpAddress& remote = flow.remote.address;
    const u32 ports = u32{flow.local.port} << 16 | flow.remote.port;
    u64 sum =
        keys_[0] + (keys_[1] + ports) * keys_[2] + product(3, word(local, 3), word(remote, 3));
    // Of an IPv4 address only what varies.
    if (!local.is_v4())
      for (u32 i = 0; i < 3; ++i) sum += product(5 + 2 * i, word(local, i), word(remote, i));
    // The upper half is random; neighbours among ports shall not be neighbours in the table.
    u32 mixed = to<u32>(sum >> 32);
    mixed = (mixed ^ mixed >> 16) * 0x7feb352d;
    return mixed ^ mixed >> 15;
  }
  u64 product(u32 at, u32 one, u32 other) const {
    return (keys_[at] + one) * (keys_[at + 1] + other);
  }
  static u32 word(const wire::IpAddress& address, u32 i) {
    return load_be32(address.octets.data() + std::size_t{4} * i);
  }

  std::array<u64, 11> keys_;
  HashIndex index_;
};

}  // namespace handfast::host
