#include "sim/world.hpp"

#include <algorithm>
#include <exception>

#include <asio/co_spawn.hpp>

#include "base/assert.hpp"
#include "base/siphash.hpp"

namespace handfast::sim {

namespace {

// More moments than this without time passing: two hosts over a wire without delay keep each
// other busy for ever.
constexpr u64 steps_here_max = 50'000'000;
constexpr u32 batch = 32;  // frames

link::ImpairmentOptions fit(link::ImpairmentOptions options, const host::InterfaceConfig& to) {
  options.link_type = to.link_type;
  options.frame_bytes_max = std::max(to.mtu, to.segment_bytes_max) + wire::Frame::header_room;
  return options;
}

}  // namespace

World::World(u64 seed) : work_(asio::make_work_guard(context_)), rng_(seed) {}

World::~World() {
  // Their operations complete with operation_aborted, and nobody runs the handlers any more.
  for (const auto& node : nodes_) node->crash();
}

Node& World::add(host::Config config, trace::Sink* sink) {
  ASSERT(!config.interfaces.empty());
  const u32 index = to<u32>(nodes_.size());
  nodes_.push_back(std::make_unique<Node>(*this, index, std::move(config), rng_.fork(), sink));
  return *nodes_.back();
}

Link& World::add_link(std::unique_ptr<Pipe> forward, std::unique_ptr<Pipe> backward) {
  links_.push_back(std::make_unique<Link>(std::move(forward), std::move(backward)));
  return *links_.back();
}

Link& World::connect(Node& a, Node& b, const link::ImpairmentOptions& both_ways,
                     trace::Sink* sink) {
  return connect(a, b, both_ways, both_ways, sink);
}

Link& World::connect(Node& a, Node& b, const link::ImpairmentOptions& a_to_b,
                     const link::ImpairmentOptions& b_to_a, trace::Sink* sink) {
  const u16 at_a = a.free_interface();
  const u16 at_b = b.free_interface();
  const host::InterfaceConfig& interface_a = a.config().interfaces[at_a];
  const host::InterfaceConfig& interface_b = b.config().interfaces[at_b];
  ASSERT(interface_a.link_type == interface_b.link_type);
  auto forward = std::make_unique<Pipe>(fit(a_to_b, interface_a), rng_.fork(), sink,
                                        Destination{.node = &b, .port = at_b});
  auto backward = std::make_unique<Pipe>(fit(b_to_a, interface_b), rng_.fork(), sink,
                                         Destination{.node = &a, .port = at_a});
  a.plugs_[at_a] = forward.get();
  b.plugs_[at_b] = backward.get();
  return add_link(std::move(forward), std::move(backward));
}

Switch& World::add_switch() {
  switches_.push_back(std::make_unique<Switch>());
  return *switches_.back();
}

Link& World::connect(Node& node, Switch& through, const link::ImpairmentOptions& both_ways,
                     trace::Sink* sink) {
  const u16 at = node.free_interface();
  const host::InterfaceConfig& interface = node.config().interfaces[at];
  ASSERT(interface.link_type == trace::LinkType::ethernet);
  auto forward =
      std::make_unique<Pipe>(fit(both_ways, interface), rng_.fork(), sink,
                             Destination{.through = &through, .port = through.port_count()});
  auto backward = std::make_unique<Pipe>(fit(both_ways, interface), rng_.fork(), sink,
                                         Destination{.node = &node, .port = at});
  node.plugs_[at] = forward.get();
  through.ports_.push_back(backward.get());
  return add_link(std::move(forward), std::move(backward));
}

void World::spawn(asio::awaitable<void> application) {
  asio::co_spawn(context_, std::move(application), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

Instant World::deadline() const {
  Instant earliest = never;
  for (const auto& link : links_)
    earliest = std::min({earliest, link->forward().impairment().deadline(),
                         link->backward().impairment().deadline()});
  for (const auto& node : nodes_)
    if (node->is_up()) earliest = std::min(earliest, node->stack_->deadline());
  return earliest;
}

// One moment: what arrives, then the timers that are due, in the order in which things were made,
// then the applications, then what all of them send.
bool World::step(Instant end) {
  const Instant next = std::max(deadline(), now_);
  if (next > end) return false;
  steps_here_ = next == now_ ? steps_here_ + 1 : 0;
  ASSERT(steps_here_ < steps_here_max);
  now_ = next;
  ++counters_.steps;
  deliver_due();
  for (const auto& node : nodes_) {
    if (!node->is_up() || node->stack_->deadline() > now_) continue;
    node->stack_->on_deadline(now_);
    node->has_work_ = true;
  }
  settle();
  return true;
}

void World::deliver_due() {
  for (const auto& link : links_) {
    for (Pipe* pipe : {&link->forward(), &link->backward()}) {
      while (const auto frame = pipe->impairment().poll(now_)) deliver(pipe->destination(), *frame);
    }
  }
}

void World::deliver(const Destination& to_where, const link::Received& frame) {
  if (to_where.through != nullptr) return to_where.through->on_frame(to_where.port, frame, now_);
  Node& node = *to_where.node;
  if (!node.is_up()) return;
  ++counters_.frames_delivered;
  const u64 place = u64{node.index_} << 16 | to_where.port;
  const SipKey key{digest_ ^ place, to<u64>(now_.time_since_epoch().count())};
  digest_ = siphash(key, frame.frame);
  node.stack_->on_frame(to_where.port, frame.frame, now_, frame.checksum_verified);
  node.has_work_ = true;
}

void World::settle() {
  bool busy = true;
  while (busy) {
    busy = context_.poll() > 0;
    for (const auto& node : nodes_) {
      if (!node->has_work_) continue;
      node->has_work_ = false;
      busy = true;
      transmit(*node);
    }
  }
}

void World::transmit(Node& node) {
  std::array<std::array<u8, wire::Frame::header_room>, batch> headers;
  std::array<wire::Frame, batch> frames;
  for (u16 on = 0; node.is_up() && on < node.plugs_.size(); ++on) {
    for (;;) {
      for (u32 i = 0; i < batch; ++i) frames[i] = wire::Frame{.header = headers[i]};
      const u32 count = node.stack_->poll_transmit(on, frames, now_);
      if (count == 0) break;
      counters_.frames_sent += count;
      if (node.plugs_[on] == nullptr) continue;
      for (const wire::Frame& frame : std::span(frames).first(count))
        node.plugs_[on]->impairment().on_frame(frame, now_);
    }
  }
}

host::Config host_config(std::string_view name, u8 number, trace::LinkType link_type) {
  wire::IpAddress v6 = *wire::IpAddress::parse("2001:db8::");
  v6.octets[15] = number;
  host::Config config;
  config.name = std::string(name);
  config.interfaces = {
      host::InterfaceConfig{.link_type = link_type,
                            .mac = {{0x02, 0, 0, 0, 0, number}},
                            .addresses = {{wire::IpAddress::v4(192, 0, 2, number), 24}, {v6, 64}}}};
  return config;
}

}  // namespace handfast::sim
