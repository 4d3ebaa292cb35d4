#include "tcp/settings.hpp"

#include "base/assert.hpp"

namespace handfast::tcp {

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
