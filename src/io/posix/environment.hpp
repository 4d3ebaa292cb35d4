// What the socket calls need from whoever drives the host: the time, and a way to wait.
#pragma once

#include "base/time.hpp"

namespace handfast::io::posix {

class Environment {
 public:
  virtual Instant now() = 0;
  /// A call went into the host: what it has to send, and its events, are to be fetched.
  virtual void changed() = 0;
  /// Blocks the calling thread until something may have changed, at most until `deadline`. False:
  /// the deadline has passed, or the thread must not block.
  virtual bool wait(Instant deadline) = 0;

 protected:
  Environment() = default;
  Environment(const Environment&) = default;
  Environment& operator=(const Environment&) = default;
  ~Environment() = default;
};

}  // namespace handfast::io::posix
