#include "sim/node.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sim/world.hpp"

namespace handfast::sim {

namespace {

wire::IpAddress first_address(const host::Config& config, bool v4) {
  for (const host::InterfaceAddress& own : config.interfaces.front().addresses)
    if (own.address.is_v4() == v4) return own.address;
  return v4 ? wire::any_v4 : wire::any_v6;
}

}  // namespace

Node::Node(World& world, u32 index, host::Config config, Rng rng, trace::Sink* sink)
    : world_(world),
      index_(index),
      config_(std::move(config)),
      rng_(rng),
      sink_(sink),
      plugs_(config_.interfaces.size(), nullptr) {
  reboot();
}

Node::~Node() = default;

wire::IpAddress Node::address_v4() const { return first_address(config_, true); }
wire::IpAddress Node::address_v6() const { return first_address(config_, false); }

u16 Node::free_interface() const {
  const auto free = std::ranges::find(plugs_, nullptr);
  ASSERT(free != plugs_.end());
  return to<u16>(free - plugs_.begin());
}

io::Stack& Node::stack() {
  ASSERT(is_up());
  return *stack_;
}

void Node::crash() { stack_.reset(); }

void Node::reboot() {
  crash();
  stack_ = std::make_unique<io::Stack>(world_.context().get_executor(), config_, world_.now(),
                                       rng_.fork(), sink_);
  stack_->set_clock([this] { return world_.now(); });
  stack_->set_wake([this] { has_work_ = true; });
  has_work_ = true;
}

}  // namespace handfast::sim
