// A small internet in made-up time: hosts with their applications, the links between them and
// everything that can go wrong with those, all from one seed. The same seed gives the same frames
// at the same times, and so the same digest. Nothing here reads a clock.
#pragma once

#include <memory>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/types.hpp"
#include "sim/network.hpp"
#include "sim/node.hpp"

namespace handfast::sim {

/// What a world has seen.
struct WorldCounters {
  u64 frames_sent = 0;       // by all nodes
  u64 frames_delivered = 0;  // to nodes that were up
  u64 steps = 0;             // moments at which something happened
};

class World {
 public:
  explicit World(u64 seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // What it is made of. Everything stays until the world ends.
  /// A host that is up. `sink` hears of what it does and of its frames.
  Node& add(host::Config config, trace::Sink* sink = nullptr);
  /// A wire between the next free interface of each; both directions are impaired alike, by
  /// chances of their own. Link type and frame size are filled in.
  Link& connect(Node& a, Node& b, const link::ImpairmentOptions& both_ways = {},
                trace::Sink* sink = nullptr);
  Link& connect(Node& a, Node& b, const link::ImpairmentOptions& a_to_b,
                const link::ImpairmentOptions& b_to_a, trace::Sink* sink = nullptr);
  /// An Ethernet switch, and a cable from a node's next free interface to it.
  Switch& add_switch();
  Link& connect(Node& node, Switch& through, const link::ImpairmentOptions& both_ways = {},
                trace::Sink* sink = nullptr);

  // Applications.
  asio::io_context& context() { return context_; }
  /// Starts a coroutine; what it throws comes out of the run_*() that it runs in.
  void spawn(asio::awaitable<void> application);

  // Time.
  Instant now() const { return now_; }
  /// Runs until `done()` holds, asked after each moment; false where it does not hold `limit` from
  /// now, or where nothing will ever happen any more.
  template <class Done>
  bool run_until(Done done, Duration limit) {
    const Instant end = after(now_, limit);
    settle();
    while (!done())
      if (!step(end)) return done();
    return true;
  }
  /// Lets `time` pass.
  void run_for(Duration time) {
    const Instant end = after(now_, time);
    run_until([] { return false; }, time);
    now_ = end;
  }
  /// When the next thing happens; `never` in a world at rest.
  Instant deadline() const;

  // What is known.
  /// A running hash of every frame that reached a node: bytes, node, interface and time.
  u64 digest() const { return digest_; }
  /// A generator that follows from the seed, for what else should.
  Rng fork_rng() { return rng_.fork(); }
  const WorldCounters& counters() const { return counters_; }
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }

 private:
  friend class Node;

  bool step(Instant end);
  void settle();
  void deliver_due();
  void deliver(const Destination& to, const link::Received& frame);
  void transmit(Node& node);
  Link& add_link(std::unique_ptr<Pipe> forward, std::unique_ptr<Pipe> backward);

  // Above what uses it: applications are destroyed last, when their stacks are gone.
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  Rng rng_;
  Instant now_{};
  u64 digest_ = 0x9ae16a3b2f90404f;
  u64 steps_here_ = 0;  // without time passing
  WorldCounters counters_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Switch>> switches_;
};

/// A host with one interface in 192.0.2.0/24 and 2001:db8::/64, the last octet being `number`.
host::Config host_config(std::string_view name, u8 number,
                         trace::LinkType link_type = trace::LinkType::ip);

}  // namespace handfast::sim
