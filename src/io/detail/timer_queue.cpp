#include "io/detail/timer_queue.hpp"

#include "base/assert.hpp"

namespace handfast::io::detail {

bool TimerQueue::before(const TimerNode& a, const TimerNode& b) {
  return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.order_ < b.order_;
}

void TimerQueue::place(std::size_t position, TimerNode* node) {
  heap_[position] = node;
  node->position_ = position + 1;
}

void TimerQueue::rise(std::size_t position) {
  TimerNode* node = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!before(*node, *heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, node);
}

void TimerQueue::sink(std::size_t position) {
  TimerNode* node = heap_[position];
  for (std::size_t child = 2 * position + 1; child < heap_.size(); child = 2 * position + 1) {
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], *node)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, node);
}

void TimerQueue::set(TimerNode& node, Instant deadline) {
  cancel(node);
  if (deadline == never) return;
  node.deadline_ = deadline;
  node.order_ = order_++;
  heap_.push_back(&node);
  rise(heap_.size() - 1);
}

void TimerQueue::cancel(TimerNode& node) {
  if (!node.is_armed()) return;
  const std::size_t position = node.position_ - 1;
  ASSERT(position < heap_.size() && heap_[position] == &node);
  node.position_ = 0;
  TimerNode* last = heap_.back();
  heap_.pop_back();
  if (last == &node) return;
  place(position, last);
  rise(position);
  sink(last->position_ - 1);
}

void TimerQueue::expire(Instant now) {
  while (!heap_.empty() && heap_.front()->deadline_ <= now) {
    TimerNode* due = heap_.front();
    cancel(*due);
    due->expired();
  }
}

void TimerQueue::stop() {
  while (!heap_.empty()) {
    TimerNode* last = heap_.back();
    cancel(*last);
    last->stopped();
  }
}

}  // namespace handfast::io::detail
