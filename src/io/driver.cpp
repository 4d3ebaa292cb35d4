#include "io/driver.hpp"

#include <cerrno>
#include <chrono>
#include <system_error>

#include <sys/random.h>

namespace handfast::io {

Instant steady_now() {
  const auto since_epoch = std::chrono::steady_clock::now().time_since_epoch();
  return Instant(std::chrono::duration_cast<Duration>(since_epoch));
}

Rng system_rng() {
  u64 seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
    throw std::system_error(errno, std::system_category(), "getrandom");
  return Rng(seed);
}

}  // namespace handfast::io
