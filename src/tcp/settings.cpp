#include "tcp/settings.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "tcp/config.hpp"

namespace handfast::tcp {

u32 initial_window(const Config& config, const Settings& settings) {
  u32 window = std::min(settings.receive_window_initial, config.receive_buffer_max);
  if (settings.receive_buffer != 0) window = std::min(window, settings.receive_buffer);
  if (settings.window_clamp != 0) window = std::min(window, settings.window_clamp);
  return window;
}

SharedSettings* SettingsPool::take(const Settings& value) {
  if (free_.empty()) {
    all_.push_back({value, 1});
    return &all_.back();
  }
  SharedSettings* shared = free_.back();
  free_.pop_back();
  *shared = {value, 1};
  return shared;
}

void SettingsPool::give(SharedSettings* shared) {
  ASSERT(shared->users > 0);
  if (--shared->users == 0) free_.push_back(shared);
}

}  // namespace handfast::tcp
