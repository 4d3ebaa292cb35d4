// Which connection a segment is for: from the flow to a small tagged index. The hash is keyed, so
// that a peer cannot choose ports that collide.
#pragma once

#include <optional>

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
  explicit FlowTable(const SipKey& key) : key_(key), hash_(fresh_hash({})) {}

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
  u32 hash(const wire::Flow& flow) const {
    if (flow != hashed_flow_) {
      hashed_flow_ = flow;
      hash_ = fresh_hash(flow);
    }
    return hash_;
  }
  u32 fresh_hash(const wire::Flow& flow) const;

  SipKey key_;
  HashIndex index_;
  // Segments come in trains, and what is found is often replaced or erased next.
  mutable wire::Flow hashed_flow_{};
  mutable u32 hash_;
};

}  // namespace handfast::host
