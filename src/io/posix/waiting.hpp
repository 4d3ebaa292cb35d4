// Trying until it works: what makes a call of one try a blocking one.
#pragma once

#include <cerrno>

#include "io/posix/sockets.hpp"

namespace handfast::io::posix {

/// Repeats `attempt` while it says -EAGAIN, unless `non_blocking`; for at most `limit` (0: any
/// time), after which -EAGAIN is the result.
template <class Try>
ssize_t Sockets::until_done(bool non_blocking, Duration limit, Try attempt) {
  const Instant deadline = limit == 0s ? never : after(environment_.now(), limit);
  for (;;) {
    const ssize_t status = attempt();
    environment_.changed();
    if (status != -EAGAIN || non_blocking) return status;
    if (!environment_.wait(deadline)) return attempt();
  }
}

}  // namespace handfast::io::posix
