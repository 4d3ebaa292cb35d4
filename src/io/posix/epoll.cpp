#include "io/posix/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace handfast::io::posix {

u32 Epoll::ready_events(const Watch& watch) {
  if (!watch.enabled || watch.watched == nullptr) return 0;
  return watch.watched->readiness() & (watch.wanted.events | EPOLLERR | EPOLLHUP);
}

u32 Epoll::readiness() {
  for (const auto& [fd, watch] : watches_)
    if (watch->ready && ready_events(*watch) != 0) return EPOLLIN | EPOLLRDNORM;
  return 0;
}

void Epoll::close() {
  for (const auto& [fd, watch] : watches_)
    if (watch->watched != nullptr) watch->watched->remove(*watch);
  watches_.clear();
}

void Epoll::forget(int fd) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return;
  if (found->second->watched != nullptr) found->second->watched->remove(*found->second);
  watches_.erase(found);
}

int Epoll::control(int operation, int fd, Descriptor& target, const epoll_event* event) {
  if (&target == this) return -EINVAL;
  const auto found = watches_.find(fd);
  switch (operation) {
    case EPOLL_CTL_ADD: {
      if (event == nullptr) return -EFAULT;
      if (found != watches_.end()) return -EEXIST;
      auto watch = std::make_unique<Watch>();
      watch->watched = &target;
      watch->wanted = *event;
      watch->turns = &turns_;
      watch->mark();  // the first look is for free
      target.add(*watch);
      watches_.emplace(fd, std::move(watch));
      return 0;
    }
    case EPOLL_CTL_MOD:
      if (event == nullptr) return -EFAULT;
      if (found == watches_.end()) return -ENOENT;
      // epoll_ctl(2): EPOLLEXCLUSIVE is for EPOLL_CTL_ADD only, and stays as it was set there.
      if (((event->events | found->second->wanted.events) & EPOLLEXCLUSIVE) != 0) return -EINVAL;
      found->second->wanted = *event;
      found->second->enabled = true;
      found->second->mark();
      return 0;
    case EPOLL_CTL_DEL:
      if (found == watches_.end()) return -ENOENT;
      forget(fd);
      return 0;
    default: return -EINVAL;
  }
}

int Epoll::collect(std::span<epoll_event> events) {
  std::vector<Watch*> in_turn;
  for (const auto& [fd, watch] : watches_)
    if (watch->ready) in_turn.push_back(watch.get());
  std::ranges::sort(in_turn, {}, &Watch::turn);
  std::size_t count = 0;
  for (Watch* watch : in_turn) {
    if (count == events.size()) break;
    const u32 now = ready_events(*watch);
    watch->ready = false;
    if (now == 0) continue;
    events[count++] = {now, watch->wanted.data};
    if ((watch->wanted.events & EPOLLONESHOT) != 0) {
      watch->enabled = false;
    } else if ((watch->wanted.events & EPOLLET) == 0) {
      watch->mark();  // behind the others
    }
  }
  return static_cast<int>(count);
}

}  // namespace handfast::io::posix
