// Open addressing from a hash to the index of an object that lies elsewhere. A cell is 8 bytes:
// the hash filters, and only the object itself decides. Deleting leaves no tombstones, so the cost
// of a search never grows with history.
#pragma once

#include <vector>

#include "base/prefetch.hpp"
#include "base/types.hpp"

namespace handfast::host {

class HashIndex {
 public:
  static constexpr u32 none = 0xffffffff;  // no value may be this

  u32 size() const { return size_; }

  /// The first value under `hash` that `match(value)` accepts, or `none`.
  template <class Match>
  u32 find(u32 hash, Match match) const {
    if (cells_.empty()) return none;
    for (u32 i = hash & mask(); cells_[i].value != none; i = (i + 1) & mask())
      if (cells_[i].hash == hash && match(cells_[i].value)) return cells_[i].value;
    return none;
  }
  /// How many cells a search under `hash` that finds nothing looks at.
  u32 cells_searched(u32 hash) const {
    u32 count = 0;
    if (cells_.empty()) return count;
    for (u32 i = hash & mask(); cells_[i].value != none; i = (i + 1) & mask()) ++count;
    return count + 1;
  }
  void prefetch(u32 hash) const {
    if (!cells_.empty()) base::prefetch(&cells_[hash & mask()]);
  }
  void insert(u32 hash, u32 value);
  /// `value` must be there.
  void erase(u32 hash, u32 value);
  /// Puts `to` in the place of `from`, which must be there.
  void replace(u32 hash, u32 from, u32 with);

 private:
  struct Cell {
    u32 hash = 0;
    u32 value = none;
  };
  u32 mask() const { return to<u32>(cells_.size()) - 1; }
  u32 place_of(u32 hash, u32 value) const;
  void put(Cell cell);
  void grow();

  std::vector<Cell> cells_;  // a power of two of them, or none
  u32 size_ = 0;
};

}  // namespace handfast::host
