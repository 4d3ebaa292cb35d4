#include "io/posix/descriptor.hpp"

namespace handfast::io::posix {

Descriptor::~Descriptor() {
  for (Watch* watch : watches_) watch->watched = nullptr;
}

void Descriptor::wake(u32 events) {
  for (Watch* watch : watches_)
    if (events == 0 || (events & (watch->wanted.events | EPOLLERR | EPOLLHUP)) != 0) watch->mark();
}

void Descriptor::remove(Watch& watch) { std::erase(watches_, &watch); }

}  // namespace handfast::io::posix
