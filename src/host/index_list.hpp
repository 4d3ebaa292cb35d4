// A doubly linked list through the objects of a Slab: its order is kept beside them, not of them.
#pragma once

#include "base/slab.hpp"
#include "base/types.hpp"

namespace handfast::host {

struct Links {
  static constexpr u32 nil = 0xffffffff;
  u32 previous = nil;
  u32 next = nil;
};

/// T has a member `links`. An object is in at most one list.
template <class T>
class IndexList {
 public:
  bool empty() const { return first_ == Links::nil; }
  /// Index of the oldest; Links::nil where the list is empty.
  u32 front() const { return first_; }

  void push_back(Slab<T>& slab, u32 index) {
    slab.at(index)->links = {last_, Links::nil};
    (last_ == Links::nil ? first_ : slab.at(last_)->links.next) = index;
    last_ = index;
  }
  void remove(Slab<T>& slab, u32 index) {
    const Links links = slab.at(index)->links;
    (links.previous == Links::nil ? first_ : slab.at(links.previous)->links.next) = links.next;
    (links.next == Links::nil ? last_ : slab.at(links.next)->links.previous) = links.previous;
  }
  void move_to_back(Slab<T>& slab, u32 index) {
    remove(slab, index);
    push_back(slab, index);
  }

 private:
  u32 first_ = Links::nil;
  u32 last_ = Links::nil;
};

}  // namespace handfast::host
