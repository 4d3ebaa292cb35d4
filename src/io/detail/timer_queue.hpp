// What waits for a time: a binary heap of nodes that know their place in it. Deadlines are kept
// exactly, and equal ones fire in the order in which they were set, so that handlers run in the
// same order in every run (base::TimingWheel leaves that order open).
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.hpp"
#include "base/types.hpp"

namespace handfast::io::detail {

class TimerNode {
 public:
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  /// The deadline came. The node is not armed any more.
  virtual void expired() = 0;
  /// The stack stopped. The node is not armed any more.
  virtual void stopped() = 0;
  bool is_armed() const { return position_ != 0; }
  Instant deadline() const { return is_armed() ? deadline_ : never; }

 protected:
  TimerNode() = default;
  ~TimerNode() = default;

 private:
  friend class TimerQueue;
  Instant deadline_ = never;
  u64 order_ = 0;
  std::size_t position_ = 0;  // in the heap, plus one; 0: not armed
};

class TimerQueue {
 public:
  Instant deadline() const { return heap_.empty() ? never : heap_.front()->deadline_; }
  /// Arms the node, or moves it; `never` disarms.
  void set(TimerNode& node, Instant deadline);
  void cancel(TimerNode& node);
  /// Fires what is due, earliest first. What is set meanwhile and due too, fires too.
  void expire(Instant now);
  /// Disarms every node and tells it.
  void stop();

 private:
  static bool before(const TimerNode& a, const TimerNode& b);
  void place(std::size_t position, TimerNode* node);
  void rise(std::size_t position);
  void sink(std::size_t position);

  std::vector<TimerNode*> heap_;
  u64 order_ = 0;
};

}  // namespace handfast::io::detail
