// What a file descriptor stands for: a socket, one end of a pipe, or an epoll set.
#pragma once

#include <vector>

#include <sys/epoll.h>

#include "base/types.hpp"

namespace handfast::io::posix {

class Watch;

class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  virtual ~Descriptor();

  /// EPOLLIN, EPOLLOUT … as they hold now.
  virtual u32 readiness() = 0;
  /// The last descriptor for it was closed.
  virtual void close() = 0;

  /// Tells the epoll sets that watch it; `events` 0 stands for any.
  void wake(u32 events);
  void add(Watch& watch) { watches_.push_back(&watch); }
  void remove(Watch& watch);

  bool non_blocking = false;  // O_NONBLOCK

 private:
  std::vector<Watch*> watches_;
};

/// One entry of an epoll set.
class Watch {
 public:
  Descriptor* watched = nullptr;
  epoll_event wanted{};
  bool enabled = true;   // false after EPOLLONESHOT fired
  bool ready = false;    // to be looked at by the next epoll_wait
  u64 turn = 0;          // of those that are ready; who waits longest is told first
  u64* turns = nullptr;  // of the set

  void mark() {
    if (!ready) turn = ++*turns;
    ready = true;
  }
};

}  // namespace handfast::io::posix
