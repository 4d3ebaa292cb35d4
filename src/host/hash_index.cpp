#include "host/hash_index.hpp"

#include "base/assert.hpp"

namespace handfast::host {

void HashIndex::insert(u32 hash, u32 value) {
  ASSERT(value != none);
  // At most 5/8 full: a search that fails then looks at about four cells, in one cache line.
  if ((u64{size_} + 1) * 8 > u64{cells_.size()} * 5) grow();
  put({hash, value});
  ++size_;
}

void HashIndex::erase(u32 hash, u32 value) {
  u32 hole = place_of(hash, value);
  // Whatever was pushed past the hole by it moves back, so that no search stops too early.
  for (u32 i = (hole + 1) & mask(); cells_[i].value != none; i = (i + 1) & mask()) {
    const u32 from_home = (i - cells_[i].hash) & mask();
    if (from_home < ((i - hole) & mask())) continue;
    cells_[hole] = cells_[i];
    hole = i;
  }
  cells_[hole] = {};
  --size_;
}

void HashIndex::replace(u32 hash, u32 from, u32 with) {
  ASSERT(with != none);
  cells_[place_of(hash, from)].value = with;
}

u32 HashIndex::place_of(u32 hash, u32 value) const {
  ASSERT(!cells_.empty());
  u32 i = hash & mask();
  while (cells_[i].value != value || cells_[i].hash != hash) {
    ASSERT(cells_[i].value != none);
    i = (i + 1) & mask();
  }
  return i;
}

void HashIndex::put(Cell cell) {
  u32 i = cell.hash & mask();
  while (cells_[i].value != none) i = (i + 1) & mask();
  cells_[i] = cell;
}

void HashIndex::grow() {
  std::vector<Cell> old(cells_.empty() ? 16 : cells_.size() * 2);
  old.swap(cells_);
  for (const Cell& cell : old)
    if (cell.value != none) put(cell);
}

}  // namespace handfast::host
