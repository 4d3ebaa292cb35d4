// epoll(7): a set of descriptors, and which of them are ready, by level or by edge.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "io/posix/descriptor.hpp"

namespace handfast::io::posix {

class Epoll final : public Descriptor {
 public:
  u32 readiness() override;
  void close() override;

  /// epoll_ctl(2) on `fd`, which stands for `target`. 0 or a negative errno.
  int control(int operation, int fd, Descriptor& target, const epoll_event* event);
  /// `fd` was closed.
  void forget(int fd);
  /// What is ready now, at most events.size(); how many.
  int collect(std::span<epoll_event> events);

 private:
  static u32 ready_events(const Watch& watch);

  std::map<int, std::unique_ptr<Watch>> watches_;
  u64 turns_ = 0;
};

}  // namespace handfast::io::posix
