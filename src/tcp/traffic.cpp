#include "tcp/traffic.hpp"

namespace handfast::tcp {

void Traffic::book(Instant now) {
  switch (wait) {
    case Wait::nothing: break;
    case Wait::network: waited_network += now - wait_since; break;
    case Wait::window: waited_window += now - wait_since; break;
    case Wait::buffer: waited_buffer += now - wait_since; break;
  }
  wait_since = now;
}

std::unique_ptr<Traffic> TrafficPool::take() {
  if (free_.empty()) return std::make_unique<Traffic>();
  std::unique_ptr<Traffic> traffic = std::move(free_.back());
  free_.pop_back();
  return traffic;
}

void TrafficPool::give(std::unique_ptr<Traffic> traffic) {
  if (traffic == nullptr || free_.size() >= kept_max) return;
  *traffic = {};
  free_.push_back(std::move(traffic));
}

}  // namespace handfast::tcp
