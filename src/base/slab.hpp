// Objects at stable addresses, named by index + generation. A handle kept too long finds nothing;
// it never finds somebody else.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/prefetch.hpp"
#include "base/types.hpp"

namespace handfast {
inline namespace base {

/// Names one object of a Slab<T>. The zero handle names none.
template <class T>
struct Handle {
  u32 index = 0;
  u32 generation = 0;
  explicit operator bool() const { return generation != 0; }
  friend bool operator==(const Handle&, const Handle&) = default;
};

template <class T>
class Slab {
 public:
  static constexpr u32 chunk_size = 64;  // objects

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (u32 i = 0; i < slot_count_; ++i)
      if (is_live(slot(i))) object(slot(i))->~T();
  }

  template <class... Args>
  Handle<T> emplace(Args&&... args) {
    const u32 index = take_slot();
    Slot& s = slot(index);
    new (s.storage) T(std::forward<Args>(args)...);
    ++s.generation;  // odd: live
    ++size_;
    return {index, s.generation};
  }

  /// The object, or null where it is gone.
  T* find(Handle<T> handle) {
    const bool even = (handle.generation & 1) == 0;  // the zero handle, or a made-up one
    if (even || handle.index >= slot_count_) return nullptr;
    Slot& s = slot(handle.index);
    return s.generation == handle.generation ? object(s) : nullptr;
  }
  const T* find(Handle<T> handle) const { return const_cast<Slab*>(this)->find(handle); }
  /// The live object at `index`, or null.
  T* at(u32 index) {
    if (index >= slot_count_ || !is_live(slot(index))) return nullptr;
    return object(slot(index));
  }
  /// The handle of the live object at `index`.
  Handle<T> handle_at(u32 index) {
    ASSERT(index < slot_count_ && is_live(slot(index)));
    return {index, slot(index).generation};
  }

  /// Fetches what is at `index` into the cache.
  void prefetch(u32 index) {
    if (index >= slot_count_) return;
    const auto* bytes = reinterpret_cast<const unsigned char*>(&slot(index));
    for (std::size_t at = 0; at < bytes_each; at += cache_line) base::prefetch(bytes + at);
  }

  void erase(Handle<T> handle) {
    T* gone = find(handle);
    ASSERT(gone != nullptr);
    gone->~T();
    Slot& s = slot(handle.index);
    ++s.generation;
    if (s.generation == 0) s.generation = 2;  // wrapped: keep clear of the zero handle
    s.next_free = free_head_;
    free_head_ = handle.index + 1;
    --size_;
  }

  static constexpr std::size_t cache_line = 64;  // bytes
  /// What one object takes, with its place.
  static constexpr std::size_t bytes_each = 2 * sizeof(u32) + sizeof(T);

  u32 size() const { return size_; }
  /// Every index is below this.
  u32 index_end() const { return slot_count_; }

 private:
  // What fits a cache line shall not lie across two.
  struct alignas(bytes_each == cache_line ? cache_line : std::max(alignof(T), alignof(u32))) Slot {
    u32 generation = 0;  // odd while live
    u32 next_free = 0;   // index + 1; 0 ends the list
    alignas(T) unsigned char storage[sizeof(T)];
  };
  static_assert(sizeof(Slot) == bytes_each || alignof(T) > alignof(u64));
  static bool is_live(const Slot& s) { return (s.generation & 1) != 0; }
  static T* object(Slot& s) { return std::launder(reinterpret_cast<T*>(s.storage)); }
  Slot& slot(u32 index) { return chunks_[index / chunk_size][index % chunk_size]; }

  u32 take_slot() {
    if (free_head_ != 0) {
      const u32 index = free_head_ - 1;
      free_head_ = slot(index).next_free;
      return index;
    }
    if (slot_count_ % chunk_size == 0) chunks_.push_back(std::make_unique<Slot[]>(chunk_size));
    return slot_count_++;
  }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  u32 slot_count_ = 0;
  u32 free_head_ = 0;
  u32 size_ = 0;
};

}  // namespace base
}  // namespace handfast
