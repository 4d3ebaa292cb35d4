#include "tcp/tally.hpp"

namespace handfast::tcp {

void Tally::book(Instant now) {
  switch (wait) {
    case Wait::nothing: break;
    case Wait::network: waited_network += now - wait_since; break;
    case Wait::window: waited_window += now - wait_since; break;
    case Wait::buffer: waited_buffer += now - wait_since; break;
  }
  wait_since = now;
}

std::unique_ptr<Tally> TallyPool::take() {
  if (free_.empty()) return std::make_unique<Tally>();
  std::unique_ptr<Tally> tally = std::move(free_.back());
  free_.pop_back();
  return tally;
}

void TallyPool::give(std::unique_ptr<Tally> tally) {
  if (tally == nullptr || free_.size() >= kept_max) return;
  *tally = {};
  free_.push_back(std::move(tally));
}

}  // namespace handfast::tcp
