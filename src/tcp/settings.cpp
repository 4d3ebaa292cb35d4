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

namespace {

constexpr u16 in_minutes = 0x8000;

}  // namespace

u16 user_timeout_to_tell(const Settings& settings) {
  if (!settings.user_timeout_option || settings.user_timeout <= 0s) return 0;
  const i64 seconds = (settings.user_timeout + 1s - 1ns) / 1s;
  if (seconds < in_minutes) return to<u16>(seconds);
  return to<u16>(in_minutes | std::min<i64>((seconds + 59) / 60, in_minutes - 1));
}

Duration user_timeout_of(u16 option) {
  const auto count = to<i64>(option & ~in_minutes);
  return (option & in_minutes) != 0 ? Duration(count * 60s) : Duration(count * 1s);
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
